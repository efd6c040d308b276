"""Reads videos from files below the folder MEDIA_ROOT."""

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

READ_AHEAD = 16 * CHUNK
"""Number of bytes that the operating system should read in advance.

Without this, a read could wait for the disk, and block all greenlets.
"""
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
"""O_NONBLOCK is needed because opening a pipe without a writer would block."""
NO_FILE = "The video's file is missing"


class _OpenFile(NamedTuple):
    file: FileIO
    """Unbuffered. Closing a FileIO twice does no harm.

    Closing a descriptor number twice could close another file.
    """
    size: int
    etag: str


class LocalFiles:
    """The regular files below `root`. Symbolic links are never followed."""

    def __init__(self, root: str | None) -> None:
        self._root = root

    def check(self, path: str) -> None:
        """Check a path. Raises PathNotAllowed if the path is not allowed.

        Raises nothing if the file is missing. Raises Unavailable if the operating system can't open
        more files now, or if the disk has an error.
        """
        with contextlib.suppress(NotFound):
            self._opened(path).file.close()

    def open(self, path: str, wanted: ByteRequest) -> OpenMedia:
        """Open the file. Raises PathNotAllowed and Unavailable as `check` does.

        Raises NotFound if the file is missing. Raises RangeNotSatisfiable if the wanted range has no
        byte of the file.
        """
        opened = self._opened(path)
        try:
            return _response(opened, path, wanted)
        except BaseException:
            opened.file.close()
            raise

    def _opened(self, path: str) -> _OpenFile:
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
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)  # close here: FileIO would raise another error for a folder
            raise PathNotAllowed("Must be a file, and no folder, pipe or device.")
        return _OpenFile(
            FileIO(descriptor), status.st_size, f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
        )


def _names(path: str) -> tuple[str, ...]:
    """Return the names of the folders and of the file. Raises PathNotAllowed for a bad path."""
    if len(path) > MAX_LENGTH:
        raise PathNotAllowed(f"Must be at most {MAX_LENGTH} characters long.")
    if "\\" in path or has_path_traversal(path) or not path.isprintable():
        raise PathNotAllowed("Must not hold '..', '\\' or control characters.")
    names = tuple(path.split("/"))
    if not all(name == name.strip() != "" for name in names) or "." in names:
        raise PathNotAllowed("Must be a URL, or a path from the folder of videos down.")
    return names


def _opened_below(root: str, names: tuple[str, ...]) -> int:
    """Open the file and return its descriptor. Raises OSError if this fails.

    Each folder is opened relative to its parent folder, which is already open. If another process
    replaces a folder by a link at the same time, the link is not followed.
    """
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in names[:-1]:
            below = os.open(name, _FOLDER_FLAGS, dir_fd=folder)
            os.close(folder)
            folder = below
        return os.open(names[-1], _FILE_FLAGS, dir_fd=folder)
    finally:
        os.close(folder)


def _response(opened: _OpenFile, path: str, wanted: ByteRequest) -> OpenMedia:
    headers = {"ETag": opened.etag, "Accept-Ranges": "bytes"}
    if wanted.if_none_match and _matches(wanted.if_none_match, opened.etag):
        return OpenMedia(304, headers, iter(()), opened.file.close)
    span = Span(0, opened.size - 1, opened.size)
    is_partial = wanted.range is not None and wanted.if_range in (None, opened.etag)
    if wanted.range is not None and is_partial:
        partial = wanted.range.of(opened.size)
        if partial is None:
            raise RangeNotSatisfiable(opened.size)
        headers["Content-Range"] = partial.text
        span = partial
    headers |= {"Content-Type": served_by_name(path), "Content-Length": str(span.length)}
    parts = _parts(opened.file, span)
    return OpenMedia(206 if is_partial else 200, headers, parts, opened.file.close)


def _matches(if_none_match: str, etag: str) -> bool:
    etags = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return "*" in etags or etag in etags


def _parts(file: FileIO, span: Span) -> Iterator[Chunk]:
    descriptor = file.fileno()
    at, end = span.first, span.last + 1
    while at < end:
        os.posix_fadvise(descriptor, at, READ_AHEAD, os.POSIX_FADV_WILLNEED)
        data = os.pread(descriptor, min(CHUNK, end - at), at)
        if not data:
            raise OriginFailed  # the file has become shorter after it was opened
        at += len(data)
        yield Chunk(data, is_last=at == end)
