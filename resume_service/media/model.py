"""A request for the bytes of a video, and the response from a file or an origin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from resume_service.media.byte_ranges import ByteRange

CHUNK = 64 * 1024
"""Size of a chunk in bytes. A stream needs memory for a few chunks, not for the whole video."""


class ByteRequest(NamedTuple):
    """The parts of a request that decide which bytes are sent."""

    body: bool = True
    """False for a HEAD request."""
    range: ByteRange | None = None
    if_range: str | None = None
    if_none_match: str | None = None


class Chunk(NamedTuple):
    data: bytes
    is_last: bool


@dataclass(frozen=True, slots=True)
class OpenMedia:
    """A response. The body is not read yet. The caller must call `close`."""

    status: int
    """200, 206 or 304."""
    headers: Mapping[str, str]
    parts: Iterator[Chunk]
    """The chunks of the body.

    Raises OriginFailed if the body is incomplete or too long. Raises OriginTimeout if the next bytes
    do not arrive in time.
    """
    close: Callable[[], None]
