"""Media types of responses. Only types that a browser does not run as a page are allowed."""

from __future__ import annotations

import re
from mimetypes import MimeTypes

ANY = "application/octet-stream"
"""The media type of a response if the real type is unknown or not allowed."""
PLAYLISTS = frozenset(
    {"application/vnd.apple.mpegurl", "application/x-mpegurl", "application/dash+xml"}
)
"""Media types of playlists, which list the parts of a video."""
OTHERS = frozenset({"application/mp4", "application/ogg", ANY})
# Types that end in +xml are not allowed: a browser shows them as a page and runs their scripts.
_is_media = re.compile(r"(video|audio)/(?![^+]*\+xml$)[a-z0-9][a-z0-9.+-]*").fullmatch

_by_name = MimeTypes()  # mimetypes' global table depends on /etc/mime.types of the host
for _kind, _ending in (
    ("application/dash+xml", ".mpd"),
    ("application/vnd.apple.mpegurl", ".m3u8"),
    ("audio/mp4", ".m4a"),
    ("video/iso.segment", ".m4s"),
    ("video/mp2t", ".ts"),
    ("video/mp4", ".m4v"),
    ("video/x-matroska", ".mkv"),
):
    _by_name.add_type(_kind, _ending)


def served_as(content_type: str | None) -> str:
    """Return the media type to send for `content_type`: without parameters, and ANY if not allowed."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    return kind if kind in PLAYLISTS | OTHERS or _is_media(kind) else ANY


def served_by_name(file_name: str) -> str:
    return served_as(_by_name.guess_type(file_name)[0])
