"""Media types under which bytes from elsewhere leave our own address: none that a browser would run."""

from __future__ import annotations

import re
from mimetypes import MimeTypes

ANY = "application/octet-stream"
LISTS = frozenset(
    {"application/vnd.apple.mpegurl", "application/x-mpegurl", "application/dash+xml"}
)
OTHERS = frozenset({"application/mp4", "application/ogg", ANY})
# A browser takes whatever ends in +xml for a page, with the scripts in it.
_plays = re.compile(r"(video|audio)/(?![^+]*\+xml$)[a-z0-9][a-z0-9.+-]*").fullmatch

_by_name = MimeTypes()  # of its own: what a host's /etc/mime.types says must not matter
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
    """The type to serve what an origin calls `content_type`; its parameters are left out."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    return kind if kind in LISTS | OTHERS or _plays(kind) else ANY


def served_by_name(file_name: str) -> str:
    return served_as(_by_name.guess_type(file_name)[0])
