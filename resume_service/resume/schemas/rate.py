"""Request and response schemas of `/videos/{id}/progress`, with examples."""

from __future__ import annotations

from typing import Any

import msgspec
from marshmallow import Schema, fields

from resume_service.errors import ValidationFailed
from resume_service.web.bodies import load_body
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


class RateBody(msgspec.Struct, gc=False):
    """The field of RateSchema."""

    progress_rate: int | float


_decode_rate = msgspec.json.Decoder(RateBody).decode
_rate_schema = RateSchema()


def load_rate(body: bytes) -> int:
    """Return the rate in a body, or raise the same errors as the Flask route does.

    msgspec reads a valid body. The schema needs 50 times as long, and decides about all others.
    """
    try:
        rate = _decode_rate(body.decode()).progress_rate  # `decode` checks the UTF-8
        if not whole_number_errors(rate, *RATE):
            return int(rate)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass
    loaded: int = load_body(_rate_schema, body)["progress_rate"]
    return loaded
