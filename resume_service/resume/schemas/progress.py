"""Request and response schemas of `/api/progress`, with examples."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from marshmallow import Schema, ValidationError, fields, validates_schema

from resume_service.clock import MILLISECOND
from resume_service.resume.model import Status
from resume_service.web.fields import BodySchema, UserId, VideoId
from resume_service.web.numbers import Seconds, WholeNumber
from resume_service.web.pagination import PageCursor, PageSize

INVALID = 400
"""HTTP status of a failed validation in this API."""
LONGEST_AGE_MS = timedelta(days=3650) // MILLISECOND
"""Maximum value of `ageMs`."""
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
    "description": "`false` if the stored point was measured later. Then the save changes nothing.",
    "schema": {"type": "string", "enum": ["true", "false"]},
}
ETAG = {"schema": {"type": "string"}}


class SaveSchema(BodySchema):
    """A player's report of a position.

    `userId` is an alias of `clerkId`. `videoId` is an alias of `tmdbId`.
    """

    clerkId = UserId(metadata={"description": "The user id: the token's `sub`."})
    userId = UserId(metadata={"description": "Alias of `clerkId`."})
    tmdbId = VideoId(metadata={"description": "The video id."})
    videoId = VideoId(metadata={"description": "Alias of `tmdbId`."})
    currentTime = Seconds(
        required=True, metadata={"description": "Seconds from the start of the video."}
    )
    duration = Seconds(above_zero=True, metadata={"description": "Length of the video in seconds."})
    ageMs = WholeNumber(
        0,
        LONGEST_AGE_MS,
        load_default=0,
        metadata={
            "description": "Milliseconds since `currentTime` was measured, by a monotonic clock."
        },
    )

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


class PointPath(Schema):
    clerkId = UserId(required=True)
    tmdbId = VideoId(required=True)


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
        metadata={"description": "True if `percent` ever reached WATCHED_PERCENT."}
    )
    completed = fields.Boolean(metadata={"description": "True if `percent` is 100 now."})


class ListedPointSchema(PointSchema):
    tmdbId = fields.String(required=True)
