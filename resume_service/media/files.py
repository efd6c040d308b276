"""Videos in files below MEDIA_ROOT."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from io import FileIO
from typing import NamedTuple

from resume_service.errors import NotFound, OriginFailed, RangeNotSatisfiable, Unavailable
from resume_service.media.byte_ranges import Span
from resume_service.media.content_types import served_by_name
from resume_service.media.model import CHUNK, ByteRequest, Chunk, OpenMedia
from resume_service.media.origin_url import MAX_LENGTH, PathNotAllowed, has_path_traversal

AHEAD = 16 * CHUNK
"""Bytes that the system is asked to have ready: a read from a disk holds up every greenlet."""
_WAY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_END = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
"""Not to be held up by a pipe that nobody writes to."""
NO_FILE = "The video's file is missing"


class _Found(NamedTuple):
    file: FileIO
    """Open, unbuffered; closing it twice does no harm, as it would to a bare descriptor."""
    size: int
    etag: str


class LocalFiles:
    """The regular files below `root`; a link leads nowhere, whenever it was put there."""

    def __init__(self, root: str | None) -> None:
        self._root = root

    def check(self, path: str) -> None:
        """Raises Refused for what is none of these files. One that is missing may still come."""
        with contextlib.suppress(NotFound):
            self._found(path).file.close()

    def open(self, path: str, wanted: ByteRequest) -> OpenMedia:
        """Raises Refused, NotFound and RangeNotSatisfiable."""
        found = self._found(path)
        try:
            return _answer(found, path, wanted)
        except BaseException:
            found.file.close()
            raise

    def _found(self, path: str) -> _Found:
        if self._root is None:
            raise PathNotAllowed("Must be an http or https URL: no folder of videos is configured.")
        names = _names(path)
        try:
            descriptor = _opened_below(self._root, names)
        except OSError as fault:
            if fault.errno in (errno.ENOENT, errno.ENAMETOOLONG):
                raise NotFound(NO_FILE) from None
            if fault.errno in (errno.EMFILE, errno.ENFILE, errno.EIO):
                raise Unavailable from fault
            raise PathNotAllowed("Must be a file below the folder of videos, by no link.") from None
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            os.close(descriptor)  # FileIO refuses a folder by an error of its own
            raise PathNotAllowed("Must be a file, and no folder, pipe or device.")
        return _Found(
            FileIO(descriptor), about.st_size, f'"{about.st_mtime_ns:x}-{about.st_size:x}"'
        )


def _names(path: str) -> tuple[str, ...]:
    """The folders on the way, and the file. Raises Refused."""
    if len(path) > MAX_LENGTH:
        raise PathNotAllowed(f"Must be at most {MAX_LENGTH} characters long.")
    if "\\" in path or has_path_traversal(path) or not path.isprintable():
        raise PathNotAllowed("Must not hold '..', '\\' or control characters.")
    names = tuple(path.split("/"))
    if not all(name == name.strip() != "" for name in names) or "." in names:
        raise PathNotAllowed("Must be a URL, or a path from the folder of videos down.")
    return names


def _opened_below(root: str, names: tuple[str, ...]) -> int:
    """A descriptor of the file at the end of `names`. Raises OSError.

    One step at a time, each from the folder that is already open: what is changed meanwhile can
    make a step fail, and never lead it elsewhere.
    """
    here = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in names[:-1]:
            below = os.open(name, _WAY, dir_fd=here)
            os.close(here)
            here = below
        return os.open(names[-1], _END, dir_fd=here)
    finally:
        os.close(here)


def _answer(found: _Found, path: str, wanted: ByteRequest) -> OpenMedia:
    headers = {"ETag": found.etag, "Accept-Ranges": "bytes"}
    if wanted.if_none_match and _names_it(wanted.if_none_match, found.etag):
        return OpenMedia(304, headers, iter(()), found.file.close)
    span = Span(0, found.size - 1, found.size)
    is_part = wanted.range is not None and wanted.if_range in (None, found.etag)
    if wanted.range is not None and is_part:
        part = wanted.range.of(found.size)
        if part is None:
            raise RangeNotSatisfiable(found.size)
        headers["Content-Range"] = part.text
        span = part
    headers |= {"Content-Type": served_by_name(path), "Content-Length": str(span.length)}
    return OpenMedia(206 if is_part else 200, headers, _parts(found.file, span), found.file.close)


def _names_it(if_none_match: str, etag: str) -> bool:
    given = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return "*" in given or etag in given


def _parts(file: FileIO, span: Span) -> Iterator[Chunk]:
    descriptor = file.fileno()
    at, end = span.first, span.last + 1
    while at < end:
        os.posix_fadvise(descriptor, at, AHEAD, os.POSIX_FADV_WILLNEED)
        data = os.pread(descriptor, min(CHUNK, end - at), at)
        if not data:
            raise OriginFailed  # shorter than it was when it was opened
        at += len(data)
        yield Chunk(data, is_last=at == end)
