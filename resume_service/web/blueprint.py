"""Blueprints that read bodies by our parsers and document their errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

import flask_smorest
from werkzeug.routing import IntegerConverter, Map

from resume_service.ids import GREATEST_ROW_ID
from resume_service.web.bodies import BeaconParser, BodyParser
from resume_service.web.error_responses import error_response

View = TypeVar("View", bound=Callable[..., Any])


class RowId(IntegerConverter):
    """The id of a row, in a path. What Postgres could not have numbered is not found."""

    regex = "[1-9][0-9]{0,18}"

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=GREATEST_ROW_ID)


class Blueprint(flask_smorest.Blueprint):
    """A blueprint whose arguments are read by BodyParser and whose errors are documented."""

    ARGUMENTS_PARSER = BodyParser()

    def errors(
        self,
        *statuses: int,
        public: bool = False,
        examples: Mapping[int, Any] = MappingProxyType({}),
    ) -> Callable[[View], View]:
        """Document the errors of a route besides the 500 of any, and whether it needs a token.

        `examples` has examples of those errors that this route words in its own way.
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
    """A blueprint of a dialect whose players may save by `sendBeacon`."""

    ARGUMENTS_PARSER = BeaconParser()

    def __init__(self, *args: Any, invalid_message: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ARGUMENTS_PARSER = BeaconParser()
        self.ARGUMENTS_PARSER.invalid_message = invalid_message


VIDEO_ID_SCHEMA = {"type": "integer", "minimum": 1, "maximum": GREATEST_ROW_ID}


def video_parameter(name: str) -> list[dict[str, Any]]:
    """The id in a route's path, as the OpenAPI document has it."""
    return [{"in": "path", "name": name, "required": True, "schema": VIDEO_ID_SCHEMA}]
