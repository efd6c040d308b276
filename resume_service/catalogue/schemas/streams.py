"""Schemas of `/v1/videos/stream`."""

from __future__ import annotations

from marshmallow import Schema, fields


class StreamQuery(Schema):
    quality = fields.String(
        metadata={
            "description": "A quality from the video's `files`. Default: the video's `file_path`."
        }
    )


class StreamConditions(Schema):
    """Documents the request headers in OpenAPI. The route reads these headers itself."""

    range = fields.String(
        data_key="Range",
        metadata={"description": "One range, such as `bytes=0-1023` or `bytes=-500`."},
    )
    if_range = fields.String(data_key="If-Range")
    if_none_match = fields.String(data_key="If-None-Match")
