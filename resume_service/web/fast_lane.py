"""Answers what players ask all day before the framework sees it.

Flask's dispatch, its schemas and its response objects cost several times what the rest of a save
does. A request that has nothing unusual about it needs none of them: the lane reads it, has the
same verifier, the same dialect and the same store answer it, and writes the same figures and
headers. Every other request it hands on untouched.
"""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any

from flask import Flask

from resume_service.auth.verifier import Verifier
from resume_service.web import lifecycle
from resume_service.web.cors import OriginHeaders
from resume_service.web.fast_route import FastRoute
from resume_service.web.lifecycle import FailedRequest, RequestStart
from resume_service.web.messages import ApiRequest, ApiResponse
from resume_service.web.services import Services

Environ = dict[str, Any]

_a_usual_host = re.compile(
    r"([a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*(:[0-9]{1,5})?)?", re.IGNORECASE
).fullmatch
"""Of the others Flask refuses some."""

UNUSUAL = frozenset({"HTTP_TRANSFER_ENCODING", "HTTP_EXPECT", "HTTP_IF_NONE_MATCH"})
"""Headers of requests that Flask understands better."""
STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class FastLane:
    """A WSGI application in front of `app`."""

    def __init__(
        self,
        app: Flask,
        services: Services,
        clock: Callable[[], datetime],
        routes: Sequence[FastRoute],
        origin_headers: OriginHeaders,
    ) -> None:
        self.flask_app = app.wsgi_app
        """What answers the requests that the lane does not."""
        self._services = services
        self._verifier = services.get(Verifier)
        self._clock = clock
        self._routes: dict[str, list[FastRoute]] = {}
        """By method."""
        for route in routes:
            self._routes.setdefault(route.method, []).append(route)
        self._origin_headers = origin_headers
        self.largest_body: int = app.config["MAX_CONTENT_LENGTH"]

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        outcome = self.answer(environ, lambda length: _body(environ, length))
        if isinstance(outcome, ApiResponse):
            headers = list(outcome.headers.items())
            if outcome.status != HTTPStatus.NO_CONTENT:
                headers.append(("Content-Length", str(len(outcome.body))))
            start_response(STATUS_LINES[outcome.status], headers)
            return [outcome.body] if outcome.body else []
        if outcome is None:
            return self.flask_app(environ, start_response)
        with lifecycle.raise_in_flask(outcome):
            return self.flask_app(environ, start_response)

    def answer(
        self, environ: Environ, read_body: Callable[[int], bytes | None]
    ) -> ApiResponse | FailedRequest | None:
        """The answer to a flawless request, or how it failed; None for one that is not for the lane.

        `environ` is as WSGI has it, but needs no more than the method, path, query and headers.
        `read_body` reads that many bytes, and returns None when there are not as many.
        """
        found = self._route(environ)
        if found is None:
            return None
        route, in_path = found
        request_start = lifecycle.begin(environ.get("HTTP_X_REQUEST_ID", ""), self._clock)
        try:
            caller = self._verifier.identify(environ.get("HTTP_AUTHORIZATION"))
            body = read_body(int(environ["CONTENT_LENGTH"])) if route.media_types else b""
            if body is None:
                return None
            asked = ApiRequest(
                self._services,
                caller,
                request_start.arrived_at,
                environ["PATH_INFO"],
                environ.get("QUERY_STRING", ""),
            )
            answer = route.answer(asked, body, *in_path)
        except Exception as fault:  # noqa: BLE001 - not swallowed: Flask raises and answers it
            return FailedRequest(request_start, fault)
        else:
            return self._finished(route, request_start, environ, answer) if answer else None
        finally:
            lifecycle.end()

    def _finished(
        self, route: FastRoute, request_start: RequestStart, environ: Environ, answer: ApiResponse
    ) -> ApiResponse:
        """`answer` with what every answer carries, counted and logged."""
        headers = lifecycle.headers(
            route.method, request_start, environ.get("HTTP_IDEMPOTENCY_KEY")
        )
        if "HTTP_ORIGIN" in environ:
            headers |= self._origin_headers(environ["HTTP_ORIGIN"])
        lifecycle.record(route.method, route.rule, answer.status, request_start)
        return ApiResponse(answer.status, {**answer.headers, **headers}, answer.body)

    def _route(self, environ: Environ) -> tuple[FastRoute, Sequence[str]] | None:
        """The route that `environ` asks for, and the values in its path."""
        path = environ["PATH_INFO"]
        if not path.isascii() or "%" in environ.get("RAW_URI", ""):
            return None
        if not _is_usual_host(environ.get("HTTP_HOST", "")):
            return None
        for route in self._routes.get(environ["REQUEST_METHOD"], ()):
            if match := route.match(path):
                break
        else:
            return None
        if not UNUSUAL.isdisjoint(environ) or not self._has_usual_body(route, environ):
            return None
        return route, match.groups()

    def _has_usual_body(self, route: FastRoute, environ: Environ) -> bool:
        length = environ.get("CONTENT_LENGTH", "")
        if not route.media_types:
            return length in ("", "0")
        kind = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
        return kind in route.media_types and length.isdecimal() and int(length) <= self.largest_body


@functools.lru_cache(maxsize=64)  # players know the service by very few names
def _is_usual_host(host: str) -> bool:
    return _a_usual_host(host) is not None


def _body(environ: Environ, length: int) -> bytes | None:
    """What WSGI's input holds; it is put back for whoever reads it next."""
    try:
        body: bytes = environ["wsgi.input"].read(length)
    except OSError:
        return None  # and it fails again for the next
    environ["wsgi.input"] = io.BytesIO(body)
    return body if len(body) == length else None
