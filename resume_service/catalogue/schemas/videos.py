"""Schemas and examples of `/v1/videos`."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validates

from resume_service.resume.video_access import VideoKind
from resume_service.web.fields import BodySchema, Flag, Text
from resume_service.web.numbers import Seconds, WholeNumber

MAX_NAME_LENGTH = 200
MAX_PATH_LENGTH = 2000
MAX_QUALITY_LENGTH = 32
MAX_FILES = 20

EXAMPLE_NEW = {
    "name": "The Harbour",
    "kind": "episode",
    "file_path": "https://media.example.com/harbour/1/1.mp4",
    "duration_seconds": 1500,
    "series_id": 7,
    "season_number": 1,
    "episode_number": 1,
}
EXAMPLE = {
    "id": 1,
    "name": "The Harbour",
    "kind": "episode",
    "corporation_id": 1,
    "duration_seconds": 1500,
    "published": True,
    "series_id": 7,
    "season_number": 1,
    "episode_number": 1,
    "deleted": False,
    "created_at": "2026-11-20T10:00:00.000Z",
    "updated_at": "2026-11-20T10:00:00.000Z",
}
EXAMPLE_FOR_ADMINS = EXAMPLE | {"file_path": EXAMPLE_NEW["file_path"], "files": []}


class FileSchema(BodySchema):
    quality = Text(most=MAX_QUALITY_LENGTH, required=True, metadata={"example": "1080p"})
    file_path = Text(most=MAX_PATH_LENGTH, required=True)


class VideoChange(BodySchema):
    """The fields of a video that can change. `files` replaces all its files."""

    name = Text(most=MAX_NAME_LENGTH)
    file_path = Text(
        most=MAX_PATH_LENGTH,
        metadata={
            "description": "A URL on a host of STREAM_ALLOWED_HOSTS, or a path below MEDIA_ROOT."
        },
    )
    kind = fields.Enum(VideoKind, by_value=True)
    duration_seconds = Seconds(above_zero=True, allow_none=True)
    published = Flag()
    series_id = WholeNumber(allow_none=True)
    season_number = WholeNumber(least=0, allow_none=True)
    episode_number = WholeNumber(least=0, allow_none=True)
    files = fields.List(fields.Nested(FileSchema), metadata={"maxItems": MAX_FILES})

    @validates("files")
    def check_files(self, files: list[dict[str, Any]], **_: Any) -> None:
        if len(files) > MAX_FILES:
            raise ValidationError(f"Must be at most {MAX_FILES}.")
        qualities = [file["quality"] for file in files if "quality" in file]
        if len(set(qualities)) < len(qualities):
            raise ValidationError("Must hold each quality once.")


class NewVideo(VideoChange):
    name = Text(most=MAX_NAME_LENGTH, required=True)
    file_path = Text(most=MAX_PATH_LENGTH, required=True)
    kind = fields.Enum(VideoKind, by_value=True, load_default=VideoKind.VIDEO)
    published = Flag(load_default=True)
    corporation_id = WholeNumber(
        allow_none=True,
        metadata={
            "description": "Default: the caller's company. A service may use another company, or null for a public video."
        },
    )


class VideoSchema(BodySchema):
    """A video. Only admins of the video's company get `file_path` and `files`."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    kind = fields.Enum(VideoKind, by_value=True, required=True)
    corporation_id = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Null for a public video."}
    )
    duration_seconds = fields.Float(required=True, allow_none=True)
    published = fields.Boolean(required=True)
    series_id = fields.Integer(required=True, allow_none=True)
    season_number = fields.Integer(required=True, allow_none=True)
    episode_number = fields.Integer(required=True, allow_none=True)
    deleted = fields.Boolean(required=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
    file_path = fields.String()
    files = fields.List(fields.Nested(FileSchema))
