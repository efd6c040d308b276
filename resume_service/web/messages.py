"""What the routes share: the caller, the services, answering, documenting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar, cast

import flask_smorest
import msgspec
from flask import Response, current_app, g, request
from werkzeug.routing import IntegerConverter, Map

from resume_service.auth.identity import Identity
from resume_service.errors import Unauthorized, Unavailable
from resume_service.ids import GREATEST_ROW_ID
from resume_service.rate_limits.limiter import Limit
from resume_service.resume.store import ResumeStore
from resume_service.web.bodies import BeaconParser, BodyParser
from resume_service.web.error_responses import described
from resume_service.web.services import Services

View = TypeVar("View", bound=Callable[..., Any])


def services() -> Services:
    return cast(Services, current_app.extensions["resume_service"])


def current_user() -> Identity:
    """Who calls. Set for every route that is not public, before the route runs."""
    return cast(Identity, g.identity)


def caller_if_known() -> Identity | None:
    """Who calls a public route, if its token tells; a broken one is as good as none."""
    try:
        return services().verifier.identify(request.headers.get("Authorization"))
    except (Unauthorized, Unavailable):
        return None


def take_turn(limit: Limit, whom: str) -> None:
    """Count this request against `limit` of `whom`; its answer tells what is left.

    Raises TooManyRequests and Unavailable.
    """
    taken = services().turns.take(limit, whom, arrived_at())
    if "turn" not in g or taken.left <= g.turn.left:  # of several limits, the one that is met first
        g.turn = taken


def arrived_at() -> datetime:
    """When this request reached the service."""
    return cast(datetime, g.beginning.arrived_at)


_encoder = msgspec.json.Encoder()


class Asked(NamedTuple):
    """A request as a dialect sees it, whoever has read it."""

    services: Services
    caller: Identity
    arrived_at: datetime
    path: str
    query: str

    @property
    def points(self) -> ResumeStore:
        return self.services.points


class Answer(NamedTuple):
    """What a dialect has to say, whoever carries it to the caller."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""


def asked() -> Asked:
    """What this request asks, by way of Flask."""
    query = request.query_string.decode()
    return Asked(services(), current_user(), arrived_at(), request.path, query)


def json_answer(value: Any) -> Answer:
    return Answer(200, {"Content-Type": "application/json"}, _encoder.encode(value) + b"\n")


def respond(answer: Answer) -> Response:
    """`answer` by way of Flask."""
    response = Response(answer.body, answer.status, answer.headers)
    if "Content-Type" not in answer.headers:
        del response.headers["Content-Type"]
    return response


class RowId(IntegerConverter):
    """The id of a row, in a path. What Postgres could not have numbered is not found."""

    regex = "[1-9][0-9]{0,18}"

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=GREATEST_ROW_ID)


def json_number(number: float | None) -> float | None:
    """`number` as a reader of JSON expects it: 3600, not 3600.0."""
    return int(number) if number is not None and number % 1 == 0 else number


def unless_unchanged(response: Response) -> Response:
    """`response`, or a 304 where the caller's If-None-Match says that it has just that."""
    etag, _weak = response.get_etag()
    if etag is None or not request.if_none_match.contains_weak(etag):
        return response
    unchanged = Response(status=HTTPStatus.NOT_MODIFIED)
    unchanged.set_etag(etag)
    del unchanged.headers["Content-Type"]
    return unchanged


class Blueprint(flask_smorest.Blueprint):
    """A blueprint whose arguments are read by BodyParser and whose errors are documented."""

    ARGUMENTS_PARSER = BodyParser()

    def errors(
        self,
        *statuses: int,
        public: bool = False,
        says: Mapping[int, Any] = MappingProxyType({}),
    ) -> Callable[[View], View]:
        """Document the errors of a route besides the 500 of any, and whether it needs a token.

        `says` has examples of those errors that this route words in its own way.
        """
        operation: dict[str, Any] = {
            "responses": {
                str(status): described(status, says.get(status)) for status in (*statuses, 500)
            }
        }
        if public:
            operation["security"] = []

        def document(view: View) -> View:
            return self.doc(**operation)(view)

        return document


class SaveBlueprint(Blueprint):
    """A blueprint of a dialect whose players may save by `sendBeacon`."""

    ARGUMENTS_PARSER = BeaconParser()

    def __init__(self, *args: Any, refusal: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ARGUMENTS_PARSER = BeaconParser()
        self.ARGUMENTS_PARSER.refusal = refusal
