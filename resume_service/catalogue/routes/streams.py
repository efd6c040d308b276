"""`/v1/videos/stream`: sends the bytes of a video, in chunks, as soon as they arrive."""

from __future__ import annotations

import re
from typing import Any

from flask import Response, request

from resume_service.accounts import permissions
from resume_service.catalogue.facts import NO_VIDEO
from resume_service.catalogue.schemas.streams import StreamConditions, StreamQuery
from resume_service.catalogue.streams import Streams
from resume_service.media.byte_ranges import ByteRange
from resume_service.media.content_types import OTHERS, PLAYLISTS
from resume_service.media.model import ByteRequest
from resume_service.web.blueprint import Blueprint
from resume_service.web.error_responses import named_error_response
from resume_service.web.services import services

PROTECTED = {
    # For a browser, the bytes come from our host. So a browser must not show them as a page.
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, no-store",
}
_may_be_sent_to_origin = re.compile("[ -~]{1,1024}").fullmatch
"""Matches the value of a header that may be sent to the origin: 1 to 1,024 printable characters."""
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_BYTES: dict[str, Any] = {
    "content": dict.fromkeys(("video/*", "audio/*", *sorted(PLAYLISTS | OTHERS)), _BINARY)
}
_TEXT = {"schema": {"type": "string"}}
HEADERS = {"Accept-Ranges": _TEXT, "ETag": _TEXT, "Last-Modified": _TEXT}
"""Headers of the response, if the origin has sent them."""
RESPONSES = {
    "200": {"description": "The whole video, with its media type.", "headers": HEADERS, **_BYTES},
    "206": {
        "description": "The requested range.",
        "headers": HEADERS | {"Content-Range": _TEXT},
        **_BYTES,
    },
    "304": {"description": "The caller's copy is up to date.", "headers": {"ETag": _TEXT}},
    "404": named_error_response(404, NO_VIDEO),
}

blp = Blueprint("streams", __name__, url_prefix="/v1/videos/stream")


@blp.route("/<row:video_id>")
@blp.arguments(StreamQuery, location="query", error_status_code=422)
@blp.arguments(StreamConditions, location="headers", error_status_code=422)
@blp.errors(401, 403, 416, 422, 502, 503, 504)
@blp.doc(responses=RESPONSES)
def stream(query: dict[str, Any], _conditions: dict[str, str], video_id: int) -> Response:
    """Stream a video. A user's first stream of a video is logged as a view and earns points."""
    opened = (
        services()
        .get(Streams)
        .open(video_id, permissions.current_identity(), _byte_request(), query.get("quality"))
    )
    response = Response(opened, opened.status, direct_passthrough=True)
    del response.headers["Content-Type"]
    response.headers.update({**PROTECTED, **opened.headers})
    return response


def _byte_request() -> ByteRequest:
    headers = {
        name: value
        for name in ("Range", "If-Range", "If-None-Match")
        if (value := request.headers.get(name)) and _may_be_sent_to_origin(value)
    }
    return ByteRequest(
        body=request.method != "HEAD",
        range=ByteRange.parse(headers.get("Range")),
        if_range=headers.get("If-Range"),
        if_none_match=headers.get("If-None-Match"),
    )
