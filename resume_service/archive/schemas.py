"""Request and response schemas of `/api/history`."""

from __future__ import annotations

from marshmallow import Schema, fields

from resume_service.web.pagination import PageCursor, PageSize

MOST = 100
"""Points per page."""
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
        most=MOST, load_default=MOST, metadata={"description": "Points per page.", "default": MOST}
    )
    cursor = PageCursor(metadata={"description": "Taken from the `Link` to the next page."})


class ArchivedPointSchema(Schema):
    """A point in its last archived state. A field without a value is absent."""

    videoId = fields.String(required=True)
    currentTime = fields.Float(required=True, metadata={"description": "Seconds."})
    duration = fields.Float(metadata={"description": "Seconds."})
    percent = fields.Float(metadata={"minimum": 0, "maximum": 100})
    watched = fields.Boolean(
        required=True, metadata={"description": "True once the point reached WATCHED_PERCENT."}
    )
    watchedAt = fields.DateTime(
        metadata={"description": "When the point first reached WATCHED_PERCENT."}
    )
    completedAt = fields.DateTime(metadata={"description": "When the point first reached 100 %."})
    updatedAt = fields.DateTime(
        required=True, metadata={"description": "When the position was measured."}
    )
