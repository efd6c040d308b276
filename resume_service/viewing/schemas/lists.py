"""Schemas and examples of `/api/v1/viewing`."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from resume_service.viewing.continue_watching import BegunVideo
from resume_service.viewing.next_up import NextEpisode
from resume_service.viewing.schemas.fields import (
    EXAMPLE_VIDEO,
    ListedVideo,
    ListQuery,
    video_json,
)
from resume_service.web.fast_queries import query_loader
from resume_service.web.messages import json_number
from resume_service.web.pagination import PageCursor

EXAMPLE_CONTINUE: dict[str, Any] = {
    "items": [
        {
            "video": EXAMPLE_VIDEO,
            "currentTime": 20,
            "duration": 1500,
            "percent": 1.33,
            "updatedAt": "2026-11-20T10:00:00.000Z",
            "previousTime": 1230.5,
        }
    ]
}
EXAMPLE_NEXT_UP: dict[str, Any] = {
    "items": [
        {
            "video": EXAMPLE_VIDEO,
            "after": EXAMPLE_VIDEO
            | {"id": 1, "name": "The Harbour: Low Tide", "episode_number": 1},
        }
    ]
}


class ContinueQuery(ListQuery):
    cursor = PageCursor(
        metadata={"description": "The cursor in the `Link` header of the previous page."}
    )


load_query = query_loader(ContinueQuery())


class BegunVideoSchema(Schema):
    video = fields.Nested(ListedVideo, required=True)
    currentTime = fields.Float(required=True, metadata={"description": "Seconds."})
    duration = fields.Float(
        required=True, allow_none=True, metadata={"description": "Seconds. Null if unknown."}
    )
    percent = fields.Float(
        required=True, allow_none=True, metadata={"description": "0 to 100. Null if unknown."}
    )
    updatedAt = fields.DateTime(required=True)
    previousTime = fields.Float(
        metadata={
            "description": "Seconds. The position before a save moved it back by more than 60 s."
        }
    )


class ContinueSchema(Schema):
    items = fields.List(fields.Nested(BegunVideoSchema), required=True)


class NextEpisodeSchema(Schema):
    video = fields.Nested(ListedVideo, required=True)
    after = fields.Nested(
        ListedVideo,
        required=True,
        allow_none=True,
        metadata={"description": "The episode watched last. Null if it is not published now."},
    )


class NextUpSchema(Schema):
    items = fields.List(fields.Nested(NextEpisodeSchema), required=True)


def begun_json(item: BegunVideo) -> dict[str, Any]:
    point = item.point
    shown = {
        "video": video_json(item.video),
        "currentTime": json_number(point.position),
        "duration": json_number(point.duration),
        "percent": json_number(point.percent),
        "updatedAt": point.updated_at,
    }
    if point.previous_position is not None:
        shown["previousTime"] = json_number(point.previous_position)
    return shown


def next_json(item: NextEpisode) -> dict[str, Any]:
    return {"video": video_json(item.video), "after": item.after and video_json(item.after)}
