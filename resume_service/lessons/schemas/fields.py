"""Fields and examples that several schemas of the course share."""

from __future__ import annotations

from marshmallow import Schema

from resume_service.web.fields import Uuid4

NO_UUID = {"error": "Validation failed", "details": {"id": ["Must be a UUID of version 4."]}}
EXAMPLE_TIME = "2026-11-20T10:00:00.000Z"
TIMES = {"created_at": EXAMPLE_TIME, "updated_at": EXAMPLE_TIME}


class RowPath(Schema):
    id = Uuid4(required=True)


MAX_TITLE_LENGTH = 256
"""Maximum number of characters."""
