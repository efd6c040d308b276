"""Request and response schemas of `/api/v1/playback`, with examples."""

from __future__ import annotations

import math
from typing import Any

import msgspec
from marshmallow import Schema, fields

from resume_service.resume.model import ResumePoint
from resume_service.web.bodies import load_body
from resume_service.web.fields import BodySchema
from resume_service.web.messages import json_number
from resume_service.web.numbers import GREATEST_NUMBER, WholeNumber, whole_number_errors

INVALID = "Invalid data"
"""The message of a failed validation in this API."""
POSITION = (0, GREATEST_NUMBER)
"""The smallest and the largest accepted position, in seconds."""
DURATION = (1, GREATEST_NUMBER)
"""The smallest and the largest accepted duration, in seconds."""
EXAMPLE_SAVE = {"position_seconds": 1250, "duration_seconds": 5400}
EXAMPLE = EXAMPLE_SAVE | {
    "completion_percentage": 23.15,
    "watched": False,
    "last_watched_at": "2026-11-20T10:00:00.000Z",
}
NO_PROGRESS = {
    "position_seconds": 0,
    "duration_seconds": None,
    "completion_percentage": 0,
    "watched": False,
}
_INVALID_EXAMPLE = {
    "error": INVALID,
    "details": {"position_seconds": whole_number_errors(-1, *POSITION)},
}
MOVIE_ERROR_EXAMPLES: dict[int, dict[str, Any]] = {
    404: {"error": "Media item not found"},
    422: _INVALID_EXAMPLE,
}
"""Examples of the errors of the movie routes that have other messages than in the other APIs."""
EPISODE_ERROR_EXAMPLES: dict[int, dict[str, Any]] = {
    404: {"error": "Episode not found"},
    422: _INVALID_EXAMPLE,
}
"""Examples of the errors of the episode routes that have other messages than in the other APIs."""


class PositionSchema(BodySchema):
    """A player's report of a position in a video."""

    position_seconds = WholeNumber(*POSITION, required=True)
    duration_seconds = WholeNumber(*DURATION, required=True)


class PlaybackSchema(Schema):
    """The caller's position in a movie or an episode."""

    position_seconds = fields.Integer(required=True, metadata={"description": "Rounded down."})
    duration_seconds = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Rounded up. Null if unknown."}
    )
    completion_percentage = fields.Float(required=True, metadata={"minimum": 0, "maximum": 100})
    watched = fields.Boolean(
        required=True,
        metadata={"description": "True if the percentage ever reached WATCHED_PERCENT."},
    )
    last_watched_at = fields.DateTime(
        metadata={"description": "Absent if the caller has no saved progress."}
    )


class PositionBody(msgspec.Struct, gc=False):
    """The fields of PositionSchema."""

    position_seconds: int | float
    duration_seconds: int | float


_decode_position = msgspec.json.Decoder(PositionBody).decode
_position_schema = PositionSchema()


def load_position(body: bytes) -> PositionBody:
    """Return the fields of a body, or raise the same errors as the Flask routes do.

    msgspec reads a valid body. The schema needs 50 times as long, and decides about all others.
    """
    try:
        fields_read = _decode_position(body.decode())  # `decode` checks the UTF-8
        position, duration = fields_read.position_seconds, fields_read.duration_seconds
        if not whole_number_errors(position, *POSITION) and not whole_number_errors(
            duration, *DURATION
        ):
            return fields_read
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass
    return PositionBody(**load_body(_position_schema, body, message=INVALID))


def playback_json(point: ResumePoint | None) -> dict[str, Any]:
    if point is None:
        return NO_PROGRESS
    return {
        "position_seconds": math.floor(point.position),
        "duration_seconds": math.ceil(point.duration) if point.duration else None,
        "completion_percentage": json_number(point.percent or 0),
        "watched": point.watched is True,
        "last_watched_at": point.updated_at,
    }
