"""What `/v1/videos/stream` accepts."""

from __future__ import annotations

from marshmallow import Schema, fields


class StreamQuery(Schema):
    quality = fields.String(
        metadata={"description": "One of the video's `files`; its `file_path` without."}
    )


class StreamConditions(Schema):
    """Read below; stands here so that the OpenAPI document names it."""

    range = fields.String(
        data_key="Range", metadata={"description": "One range: `bytes=0-1023`, `bytes=-500`."}
    )
    if_range = fields.String(data_key="If-Range")
    if_none_match = fields.String(data_key="If-None-Match")
