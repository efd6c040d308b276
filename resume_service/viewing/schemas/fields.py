"""The shape of a video in these lists, and the query parameters that name a viewer."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from resume_service.catalogue.facts import VideoFacts
from resume_service.resume.video_access import VideoKind
from resume_service.web.fields import CompanyNumber, UserId
from resume_service.web.messages import json_number
from resume_service.web.pagination import PageSize

MAX_ITEMS = 100
DEFAULT_ITEMS = 20
EXAMPLE_VIDEO: dict[str, Any] = {
    "id": 2,
    "name": "The Harbour: Fog",
    "kind": "episode",
    "series_id": 7,
    "season_number": 1,
    "episode_number": 2,
    "duration_seconds": 1500,
}


class ViewerQuery(Schema):
    """The viewer: the caller, unless a service names another user."""

    userId = UserId(metadata={"description": "Default: the caller. Only a service names another."})
    corporation_id = CompanyNumber(
        metadata={
            "description": "A service names the company of a viewer without an account here. "
            "Ignored for an account. Default: the company of the account, else all companies."
        },
    )


class ListQuery(ViewerQuery):
    limit = PageSize(
        most=MAX_ITEMS,
        load_default=DEFAULT_ITEMS,
        metadata={"description": "Maximum number of items.", "default": DEFAULT_ITEMS},
    )


class ListedVideo(Schema):
    id = fields.Integer(required=True)
    name = fields.String(required=True)
    kind = fields.Enum(VideoKind, by_value=True, required=True)
    series_id = fields.Integer(required=True, allow_none=True)
    season_number = fields.Integer(required=True, allow_none=True)
    episode_number = fields.Integer(required=True, allow_none=True)
    duration_seconds = fields.Float(required=True, allow_none=True)


def video_json(video: VideoFacts) -> dict[str, Any]:
    return {
        "id": video.id,
        "name": video.name,
        "kind": video.kind,
        "series_id": video.series_id,
        "season_number": video.season_number,
        "episode_number": video.episode_number,
        "duration_seconds": json_number(video.duration),
    }
