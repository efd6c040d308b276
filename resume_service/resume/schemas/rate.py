"""Request and response schemas of `/videos/{id}/progress`, with examples."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from resume_service.errors import ValidationFailed
from resume_service.web.fields import BodySchema
from resume_service.web.numbers import WholeNumber, whole_number_errors

RATE = (0, 100)
"""The smallest and the largest accepted rate, in percent."""
EXAMPLE_SAVE = {"progress_rate": 85}
EXAMPLE = {
    "video_id": 1,
    "progress_rate": 85,
    "is_completed": False,
    "last_watched_at": "2026-11-20T10:00:00.000Z",
}
ERROR_EXAMPLES: dict[int, dict[str, Any]] = {
    404: {"error": "Video not found"},
    422: {
        "error": ValidationFailed.message,
        "details": {"progress_rate": whole_number_errors(150, *RATE)},
    },
}
"""Examples of the errors that have other messages than in the other APIs."""


class RateSchema(BodySchema):
    """A player's report of a rate: the watched part of the video in percent."""

    progress_rate = WholeNumber(*RATE, required=True, metadata={"description": "Percent."})


class ProgressSchema(Schema):
    """The caller's progress in a video."""

    video_id = fields.Integer(required=True)
    progress_rate = fields.Integer(
        required=True, metadata={"minimum": 0, "maximum": 100, "description": "Rounded down."}
    )
    is_completed = fields.Boolean(
        required=True, metadata={"description": "True if the rate is 100 now."}
    )
    last_watched_at = fields.DateTime(
        required=True,
        allow_none=True,
        metadata={"description": "Null if the caller has no saved progress."},
    )


def fast_load_rate(body: Any) -> int | None:
    """Return the rate that RateSchema would load from `body`.

    Return None if `body` is not valid.
    """
    if type(body) is not dict or whole_number_errors(body.get("progress_rate"), *RATE):
        return None
    return int(body["progress_rate"])
