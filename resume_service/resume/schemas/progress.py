"""The words of `/api/progress`: its fields, what they take, and an example of each."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from marshmallow import Schema, ValidationError, fields, validates_schema

from resume_service.clock import MILLISECOND
from resume_service.ids import id_errors, user_id_errors
from resume_service.resume.model import LONGEST_AGE, Status
from resume_service.web.fields import BodySchema, UserId, VideoId
from resume_service.web.numbers import (
    Seconds,
    WholeNumber,
    length_errors,
    seconds_errors,
    whole_number_errors,
)
from resume_service.web.pagination import PageCursor, PageSize

LONGEST_AGE_MS = LONGEST_AGE // MILLISECOND
EXAMPLE_SAVE = {"clerkId": "user_123456", "tmdbId": "12345", "currentTime": 3600, "duration": 5400}
EXAMPLE_POINT = {
    "currentTime": 3600,
    "updatedAt": "2026-11-20T10:00:00.000Z",
    "duration": 5400,
    "percent": 66.67,
    "watched": False,
    "completed": False,
}
RESUME_APPLIED = {
    "description": "`false` when a later measurement was already stored, and stays.",
    "schema": {"type": "string", "enum": ["true", "false"]},
}
ETAG = {"schema": {"type": "string"}}


class SaveSchema(BodySchema):
    """What a player reports. `userId` and `videoId` may stand for `clerkId` and `tmdbId`."""

    clerkId = UserId(metadata={"description": "The user: the token's `sub`."})
    userId = UserId(metadata={"description": "`clerkId` by its neutral name."})
    tmdbId = VideoId(metadata={"description": "The video; any id."})
    videoId = VideoId(metadata={"description": "`tmdbId` by its neutral name."})
    currentTime = Seconds(required=True, metadata={"description": "Seconds from the start."})
    duration = Seconds(above_zero=True, metadata={"description": "Length of the video, seconds."})
    ageMs = WholeNumber(
        0,
        LONGEST_AGE_MS,
        load_default=0,
        metadata={"description": "How long ago `currentTime` was measured, by a monotonic clock."},
    )

    class Meta(BodySchema.Meta):
        json_schema: ClassVar = {  # what exactly_one_name checks, in the OpenAPI document's words
            "allOf": [
                {"oneOf": [{"required": ["clerkId"]}, {"required": ["userId"]}]},
                {"oneOf": [{"required": ["tmdbId"]}, {"required": ["videoId"]}]},
            ]
        }

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def exactly_one_name(self, _valid: object, body: dict[str, Any], **_: Any) -> None:
        faults = {}
        for name, neutral in (("clerkId", "userId"), ("tmdbId", "videoId")):
            if name in body and neutral in body:
                faults[name] = [f"Give {name} or {neutral}, not both."]
            elif name not in body and neutral not in body:
                faults[name] = ["Missing data for required field."]
        if faults:
            raise ValidationError(faults)


_ERRORS: dict[str, Callable[[object], list[str]]] = {
    "clerkId": user_id_errors,
    "userId": user_id_errors,
    "tmdbId": id_errors,
    "videoId": id_errors,
    "currentTime": seconds_errors,
    "duration": length_errors,
    "ageMs": lambda value: whole_number_errors(value, 0, LONGEST_AGE_MS),
}


def fast_load_save(body: Any) -> dict[str, Any] | None:
    """What SaveSchema makes of `body` when it finds no fault in it, else None; in a tenth of the time.

    It may be more careful than SaveSchema, never less: a test holds them together.
    """
    if (
        type(body) is not dict
        or ("clerkId" in body) is ("userId" in body)
        or ("tmdbId" in body) is ("videoId" in body)
        or "currentTime" not in body
    ):
        return None
    read = {"ageMs": 0}
    for name, faults in _ERRORS.items():
        if name in body:
            value = body[name]
            if faults(value):
                return None
            read[name] = value
    return read


class PointPath(Schema):
    clerkId = UserId(required=True)
    tmdbId = VideoId(required=True)


class UserPath(Schema):
    clerkId = UserId(required=True)


class Conditions(Schema):
    """Read by werkzeug; stands here so that the OpenAPI document names it."""

    if_none_match = fields.String(data_key="If-None-Match")


class ListQuery(Schema):
    limit = PageSize(most=100, metadata={"description": "Points a page; all without it."})
    cursor = PageCursor(metadata={"description": "From the `Link` to the next page."})
    status = fields.Enum(
        Status, by_value=True, metadata={"description": "Only points that stand so."}
    )


class PointSchema(Schema):
    """A resume point. What needs a known duration is absent without one."""

    currentTime = fields.Float(required=True, metadata={"description": "Seconds."})
    updatedAt = fields.DateTime(required=True, metadata={"description": "When it was measured."})
    duration = fields.Float(metadata={"description": "Seconds."})
    percent = fields.Float(metadata={"minimum": 0, "maximum": 100})
    watched = fields.Boolean(metadata={"description": "Ever at WATCHED_PERCENT or beyond."})
    completed = fields.Boolean(metadata={"description": "At 100 % as it stands."})


class ListedPointSchema(PointSchema):
    tmdbId = fields.String(required=True)


@functools.lru_cache(maxsize=256)  # the same few first pages are asked for again and again
def fast_load_query(query: str) -> dict[str, Any] | None:
    given = parse_qsl(query, keep_blank_values=True)
    if "%" in query or "cursor" in query or len(dict(given)) != query.count("=") or ";" in query:
        return None
    try:
        return dict(ListQuery().load(dict(given)))
    except ValidationError:
        return None
