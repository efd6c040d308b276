"""Media types of served videos: only types that a browser does not run as a page."""

from __future__ import annotations

import re
from mimetypes import MimeTypes

ANY = "application/octet-stream"
LISTS = frozenset(
    {"application/vnd.apple.mpegurl", "application/x-mpegurl", "application/dash+xml"}
)
OTHERS = frozenset({"application/mp4", "application/ogg", ANY})
# A browser shows a type that ends in +xml as a page, and runs the scripts in it.
_is_media = re.compile(r"(video|audio)/(?![^+]*\+xml$)[a-z0-9][a-z0-9.+-]*").fullmatch

_by_name = MimeTypes()  # not the global one, which depends on the host's /etc/mime.types
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
    """The type to serve for an origin's `content_type`, without parameters."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    return kind if kind in LISTS | OTHERS or _is_media(kind) else ANY


def served_by_name(file_name: str) -> str:
    return served_as(_by_name.guess_type(file_name)[0])
