"""Request and response schemas of `/api/history`."""

from __future__ import annotations

from marshmallow import Schema, fields

from resume_service.web.pagination import PageCursor, PageSize

MAX_PAGE_SIZE = 100
"""Maximum number of points per page."""
EXAMPLE = {
    "videoId": "12345",
    "currentTime": 5400,
    "duration": 5400,
    "percent": 100,
    "watched": True,
    "watchedAt": "2026-08-20T19:41:00.000Z",
    "completedAt": "2026-08-20T19:50:00.000Z",
    "updatedAt": "2026-08-20T19:50:00.000Z",
}


class HistoryQuery(Schema):
    limit = PageSize(
        most=MAX_PAGE_SIZE,
        load_default=MAX_PAGE_SIZE,
        metadata={"description": "Maximum number of points per page.", "default": MAX_PAGE_SIZE},
    )
    cursor = PageCursor(
        metadata={"description": "The cursor in the `Link` header of the previous page."}
    )


class ArchivedPointSchema(Schema):
    """A point as it was last archived. A field without a value is absent."""

    videoId = fields.String(required=True)
    currentTime = fields.Float(required=True, metadata={"description": "Seconds."})
    duration = fields.Float(metadata={"description": "Seconds."})
    percent = fields.Float(metadata={"minimum": 0, "maximum": 100})
    watched = fields.Boolean(
        required=True,
        metadata={
            "description": "True if `percent` reached WATCHED_PERCENT, or the video was marked as "
            "watched. An unwatched mark cancels both."
        },
    )
    watchedAt = fields.DateTime(
        metadata={"description": "Time when the video was first watched or marked as watched."}
    )
    completedAt = fields.DateTime(
        metadata={"description": "Time when `percent` first reached 100."}
    )
    updatedAt = fields.DateTime(
        required=True, metadata={"description": "Time when the position was measured."}
    )
