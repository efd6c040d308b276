"""Request and response schemas of `/api/progress`, with examples."""

from __future__ import annotations

from typing import Any, ClassVar

from marshmallow import Schema, ValidationError, fields, validates_schema

from resume_service.resume.model import Status
from resume_service.resume.schemas.names import NameText
from resume_service.web.ages import AgeMs, QueryAgeMs
from resume_service.web.fields import BodySchema, UserId, VideoId
from resume_service.web.numbers import Seconds
from resume_service.web.pagination import PageCursor, PageSize

INVALID = 400
"""HTTP status of a failed validation in this API."""
DEVICE = (1, 64)
"""The minimum and maximum length of `device`, in characters."""
AGE_DESCRIPTION = "Milliseconds since the event, by a monotonic clock. At most RESUME_TTL_DAYS."
EXAMPLE_SAVE = {
    "clerkId": "user_123456",
    "tmdbId": "12345",
    "currentTime": 3600,
    "duration": 5400,
    "device": "Living room TV",
}
EXAMPLE_POINT = {
    "currentTime": 3600,
    "updatedAt": "2026-11-20T10:00:00.000Z",
    "duration": 5400,
    "percent": 66.67,
    "watched": False,
    "completed": False,
    "device": "Living room TV",
}
RESUME_APPLIED = {
    "description": "`false` if another save was measured later. Then the position is unchanged.",
    "schema": {"type": "string", "enum": ["true", "false"]},
}
ETAG = {"schema": {"type": "string"}}


class EventSchema(BodySchema):
    """The fields of every event: a save, a deletion or a mark.

    `userId` is an alias of `clerkId`. `videoId` is an alias of `tmdbId`.
    """

    clerkId = UserId(metadata={"description": "The user id: the token's `sub`."})
    userId = UserId(metadata={"description": "Alias of `clerkId`."})
    tmdbId = VideoId(metadata={"description": "The video id."})
    videoId = VideoId(metadata={"description": "Alias of `tmdbId`."})
    ageMs = AgeMs(metadata={"description": AGE_DESCRIPTION})

    class Meta(BodySchema.Meta):
        json_schema: ClassVar = {  # the rule of `exactly_one_name`, written in JSON Schema
            "allOf": [
                {"oneOf": [{"required": ["clerkId"]}, {"required": ["userId"]}]},
                {"oneOf": [{"required": ["tmdbId"]}, {"required": ["videoId"]}]},
            ]
        }

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def exactly_one_name(self, _valid: object, body: dict[str, Any], **_: Any) -> None:
        errors = {}
        for name, alias in (("clerkId", "userId"), ("tmdbId", "videoId")):
            if name in body and alias in body:
                errors[name] = [f"Give {name} or {alias}, not both."]
            elif name not in body and alias not in body:
                errors[name] = ["Missing data for required field."]
        if errors:
            raise ValidationError(errors)


class SaveSchema(EventSchema):
    """A player's report of a position."""

    currentTime = Seconds(
        required=True, metadata={"description": "Seconds from the start of the video."}
    )
    duration = Seconds(above_zero=True, metadata={"description": "Length of the video in seconds."})
    device = NameText(*DEVICE, metadata={"description": "A name of the device, for people."})


class PointPath(Schema):
    clerkId = UserId(required=True)
    tmdbId = VideoId(required=True)


class AgeQuery(Schema):
    ageMs = QueryAgeMs(metadata={"description": AGE_DESCRIPTION})


class UserPath(Schema):
    clerkId = UserId(required=True)


class Conditions(Schema):
    """Documents the header in the OpenAPI document. Our code does not use it: werkzeug reads it."""

    if_none_match = fields.String(data_key="If-None-Match")


class ListQuery(Schema):
    limit = PageSize(
        most=100, metadata={"description": "Points per page. If absent, one page has all points."}
    )
    cursor = PageCursor(metadata={"description": "The cursor in the `Link` to the next page."})
    status = fields.Enum(
        Status, by_value=True, metadata={"description": "Return only points with this status."}
    )


class PointSchema(Schema):
    """A resume point. Fields with unknown values are absent."""

    currentTime = fields.Float(required=True, metadata={"description": "Position in seconds."})
    updatedAt = fields.DateTime(
        required=True, metadata={"description": "The time when the position was measured."}
    )
    duration = fields.Float(metadata={"description": "Length of the video in seconds."})
    percent = fields.Float(metadata={"minimum": 0, "maximum": 100})
    watched = fields.Boolean(
        metadata={"description": "True if `percent` reached WATCHED_PERCENT, or by a mark."}
    )
    completed = fields.Boolean(metadata={"description": "True if `percent` is 100 now."})
    device = fields.String(metadata={"description": "The device that saved the position."})
    previousTime = fields.Float(
        metadata={"description": "Position in seconds before a save moved it back by over 60 s."}
    )
    previousAt = fields.DateTime(
        metadata={"description": "The time when `previousTime` was measured."}
    )


class ListedPointSchema(PointSchema):
    tmdbId = fields.String(required=True)
