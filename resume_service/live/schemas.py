"""The query and the example of a live stream."""

from __future__ import annotations

from marshmallow import Schema

from resume_service.web.fields import UserId

INVALID = 400
"""HTTP status of a failed validation in this API."""
EXAMPLE_EVENTS = """\
event: points
data: [{"tmdbId":"12345","currentTime":3600,"updatedAt":"2026-11-20T10:00:00.000Z"}]

event: point
data: {"tmdbId":"12345","currentTime":3610,"updatedAt":"2026-11-20T10:00:10.000Z"}

: alive

event: gone
data: {"tmdbId":"12345"}

event: bye
data: {}

"""


class UserQuery(Schema):
    userId = UserId(
        metadata={"description": "The user. Only a `service` may name another one than its own."}
    )
