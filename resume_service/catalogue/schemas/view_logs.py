"""Schemas of `/v1/view-logs`."""

from __future__ import annotations

from marshmallow import Schema, fields

from resume_service.web.fields import BodySchema
from resume_service.web.numbers import WholeNumber

EXAMPLE_BODY = {"video_id": 7}
EXAMPLE = {"user_id": 3, "video_id": 7, "created_at": "2026-11-21T10:00:00.000Z"}


class ViewLogSchema(Schema):
    user_id = fields.Integer(required=True)
    video_id = fields.Integer(required=True)
    created_at = fields.DateTime(required=True, metadata={"description": "Time of the first view."})


class ViewSchema(BodySchema):
    video_id = WholeNumber(required=True)
    user_id = WholeNumber(
        metadata={"description": "Default: the caller. Only a `service` may give another user."}
    )
