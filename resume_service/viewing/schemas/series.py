"""Schema and example of the marks for a series."""

from __future__ import annotations

from marshmallow import Schema, fields

EXAMPLE_CHANGED = {"changed": 6}


class ChangedSchema(Schema):
    changed = fields.Integer(
        required=True, metadata={"description": "Number of episodes that the mark changed."}
    )
