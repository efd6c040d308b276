"""Responses to saves. The header `Resume-Every` limits how often players save.

Operators use it to reduce the load without a new release of their players. Its value is constant,
so the headers are built once.
"""

from __future__ import annotations

from typing import Any

from resume_service.settings import LONGEST_SAVE_INTERVAL, SHORTEST_SAVE_INTERVAL
from resume_service.web.messages import JSON, ApiResponse, Headers, json_response

RESUME_EVERY = "Resume-Every"
RESUME_EVERY_DOC = {
    RESUME_EVERY: {
        "description": "Save at most once in this number of seconds of playback. Saves on pause,"
        " seek and end are not affected. Absent if RESUME_EVERY_SECONDS is not set.",
        "schema": {
            "type": "integer",
            "minimum": SHORTEST_SAVE_INTERVAL,
            "maximum": LONGEST_SAVE_INTERVAL,
        },
    }
}
"""The header in the OpenAPI document."""


class SaveResponses:
    """Builds the responses to successful saves.

    `every_seconds` is RESUME_EVERY_SECONDS. If it is None, the responses have no `Resume-Every`.
    """

    def __init__(self, every_seconds: int | None) -> None:
        every: Headers = ((RESUME_EVERY, str(every_seconds)),) if every_seconds else ()
        self._json = JSON + every
        self.applied = ApiResponse(204, (("Resume-Applied", "true"), *every))
        self.ignored = ApiResponse(204, (("Resume-Applied", "false"), *every))

    def json(self, value: Any) -> ApiResponse:
        """Return a response with `value` as JSON."""
        return json_response(value, headers=self._json)
