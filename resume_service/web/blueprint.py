"""Blueprints (groups of routes) that use our body parsers and document their errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

import flask_smorest
from werkzeug.routing import IntegerConverter, Map

from resume_service.ids import GREATEST_ROW_ID
from resume_service.web.bodies import BeaconParser, BodyParser
from resume_service.web.error_responses import error_response
from resume_service.web.groups import BY_BLUEPRINT

View = TypeVar("View", bound=Callable[..., Any])


class RowId(IntegerConverter):
    """The id of a row, as a segment of a path.

    If the number is too large for Postgres, the path matches no route, and the response is 404.
    """

    regex = "[1-9][0-9]{0,18}"

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=GREATEST_ROW_ID)


class Blueprint(flask_smorest.Blueprint):
    """A blueprint that reads arguments with BodyParser. Its routes can document their errors.

    In the OpenAPI document, its routes are in its group (see `groups.py`).
    """

    ARGUMENTS_PARSER = BodyParser()

    def route(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Add a route, as in Flask."""
        options.setdefault("tags", [BY_BLUEPRINT[self.name].name])
        added: Callable[[View], View] = super().route(rule, **options)
        return added

    def errors(
        self,
        *statuses: int,
        public: bool = False,
        examples: Mapping[int, Any] = MappingProxyType({}),
    ) -> Callable[[View], View]:
        """Add the errors of a route to the OpenAPI document. The error 500 is always included.

        A public route needs no token. `examples` maps a status to an example, which replaces the
        usual example of this status.
        """
        operation: dict[str, Any] = {
            "responses": {
                str(status): error_response(status, examples.get(status))
                for status in (*statuses, 500)
            }
        }
        if public:
            operation["security"] = []

        def document(view: View) -> View:
            return self.doc(**operation)(view)

        return document


class BeaconBlueprint(Blueprint):
    """A blueprint for players that save with the browser function `sendBeacon`.

    It accepts JSON as `text/plain`. `invalid_message` is the message of a failed validation.
    """

    ARGUMENTS_PARSER = BeaconParser()

    def __init__(self, *args: Any, invalid_message: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ARGUMENTS_PARSER = BeaconParser()
        self.ARGUMENTS_PARSER.invalid_message = invalid_message


VIDEO_ID_SCHEMA = {"type": "integer", "minimum": 1, "maximum": GREATEST_ROW_ID}


def video_parameter(name: str) -> list[dict[str, Any]]:
    """Return the OpenAPI description of a video id in a path."""
    return [{"in": "path", "name": name, "required": True, "schema": VIDEO_ID_SCHEMA}]
