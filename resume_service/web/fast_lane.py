"""The fast lane: code that answers ordinary requests before Flask.

Flask's routing, schemas and response objects need several times as much CPU time as the rest of a
save. An ordinary request does not need them. So the fast lane reads the request itself. It calls
the same verifier, the same route function and the same store as Flask. It records the same metrics
and sets the same headers. All other requests go to Flask unchanged.

The server calls `begin`, and then executes the operation `answer`. During each step, it sets
`logs.request_id` to the id of the request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Any

from flask import Flask

from resume_service.auth.identity import Identity
from resume_service.auth.verifier import Verifier
from resume_service.clock import Clock, millisecond_clock
from resume_service.errors import ServiceError
from resume_service.redis.operation import Blocking, Operation, run
from resume_service.telemetry import logs
from resume_service.web import lifecycle
from resume_service.web.cors import OriginHeaders
from resume_service.web.error_responses import service_error_response
from resume_service.web.fast_request import Environ, from_environ, is_ordinary
from resume_service.web.fast_route import FastRoute, FastRoutes
from resume_service.web.lifecycle import COMMON_HEADERS, FailedRequest
from resume_service.web.messages import ApiRequest, FastRequest, LaneResponse
from resume_service.web.request_start import RequestStart
from resume_service.web.services import Services

STATUSES_WITHOUT_LENGTH = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
"""The response has no body, and no header `Content-Length`."""
STATUS_LINES = {status.value: f"{status.value} {status.phrase.upper()}" for status in HTTPStatus}
"""The status and the reason phrase, as Flask sends them."""


class FastLane:
    """A WSGI application that answers ordinary requests and calls `app` for all other requests."""

    def __init__(
        self,
        app: Flask,
        services: Services,
        clock: Clock,
        routes: Sequence[FastRoute],
        origin_headers: OriginHeaders,
    ) -> None:
        self.flask_app = app.wsgi_app
        """The WSGI application for the requests that the fast lane does not answer."""
        self._services = services
        self._verifier = services.get(Verifier)
        self._clock = millisecond_clock(clock)
        self._routes = FastRoutes(routes)
        self._origin_headers = origin_headers
        self._without_origin = origin_headers(None)
        self.largest_body: int = app.config["MAX_CONTENT_LENGTH"]

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = from_environ(environ, self.largest_body)
        outcome = self._run(request) if request else None
        if outcome is None:
            return self.flask_app(environ, start_response)
        if isinstance(outcome, FailedRequest):
            with lifecycle.raise_in_flask(outcome):
                return self.flask_app(environ, start_response)
        response = outcome.response
        headers = [
            *response.headers,
            *response.varying,
            *outcome.more,
            *outcome.cors,
            *COMMON_HEADERS,
        ]
        headers.append(("X-Request-Id", outcome.request_id))
        if response.status not in STATUSES_WITHOUT_LENGTH:
            headers.append(("Content-Length", str(len(response.body))))
        start_response(STATUS_LINES[response.status], headers)
        return [response.body] if response.body else []

    def _run(self, request: FastRequest) -> LaneResponse | FailedRequest | None:
        start = self.begin(request)
        logs.request_id.set(start.request_id)
        try:
            return run(self.answer(request, start))
        finally:
            lifecycle.end()

    def begin(self, request: FastRequest) -> RequestStart:
        """Return the id and the start time of a request."""
        return lifecycle.begin(request.headers.get("HTTP_X_REQUEST_ID"), self._clock)

    def answer(
        self, request: FastRequest, start: RequestStart
    ) -> Operation[LaneResponse | FailedRequest | None]:
        """Answer an ordinary request. Return None for any other request.

        If the route raises an unexpected error, return a FailedRequest. Then Flask logs the error
        and creates the response.
        """
        route, path_values = self._routes.find(request.method, request.path)
        if route is None or not is_ordinary(request, route):
            return None
        received = request.headers
        try:
            authorization = received.get("HTTP_AUTHORIZATION")
            caller = self._verifier.cached(authorization)
            if caller is None:
                caller = yield from self._identify(authorization)
            api_request = ApiRequest(
                self._services,
                caller,
                start.arrived_ms,
                request.path,
                request.query,
                received.get("HTTP_IF_NONE_MATCH"),
            )
            operation = route.answer(api_request, request.body, *path_values)
            if operation is None:
                return None
            response = yield from operation
        except ServiceError as error:
            response = service_error_response(error)
        except Exception as error:  # noqa: BLE001 - Flask raises the same error again
            return FailedRequest(start, error)
        lifecycle.record(route.method, route.rule, response.status, start)
        more = lifecycle.own_headers(route.method, received.get("HTTP_IDEMPOTENCY_KEY"))
        origin = received.get("HTTP_ORIGIN")
        cors = self._without_origin if origin is None else self._origin_headers(origin)
        return LaneResponse(response, start.request_id, more, cors)

    def _identify(self, authorization: str | None) -> Operation[Identity]:
        if self._verifier.keys is None:
            return self._verifier.identify(authorization)  # only computes: needs no greenlet
        caller: Identity = yield Blocking(lambda: self._verifier.identify(authorization))
        return caller
