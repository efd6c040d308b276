"""Parses and writes the headers `Range` and `Content-Range` (RFC 9110, section 14).

Only headers with one range are supported, because players send one range.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_match_range = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{1,18})?|-([0-9]{1,18}))").fullmatch
_match_content_range = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)").fullmatch


class Span(NamedTuple):
    """A part of a file: the bytes from `first` to `last`, both included."""

    first: int
    last: int
    total: int | None
    """Size of the whole file in bytes. None if the origin does not send the size."""

    @property
    def length(self) -> int:
        return self.last - self.first + 1

    @property
    def text(self) -> str:
        """The value of the Content-Range header."""
        return f"bytes {self.first}-{self.last}/{'*' if self.total is None else self.total}"

    @classmethod
    def parse(cls, text: str) -> Span | None:
        """Parse a Content-Range header. Returns None if the header is invalid."""
        match = _match_content_range(text)
        if match is None:
            return None
        total = None if match[3] == "*" else int(match[3])
        span = cls(int(match[1]), int(match[2]), total)
        is_valid = span.first <= span.last and (total is None or span.last < total)
        return span if is_valid else None


class ByteRange(NamedTuple):
    """A range that a client requests: `first` to `last`, or the last `suffix` bytes."""

    first: int | None
    last: int | None
    suffix: int | None = None

    @classmethod
    def parse(cls, header: str | None) -> ByteRange | None:
        """Parse a Range header. Returns None if the header is invalid or has several ranges.

        In both cases, RFC 9110 allows a 200 response with the whole file.
        """
        match = _match_range(header.strip()) if header else None
        if match is None:
            return None
        first, last, suffix = (None if each is None else int(each) for each in match.groups())
        if first is not None and last is not None and last < first:
            return None
        return cls(first, last, suffix)

    @property
    def text(self) -> str:
        """The value of the Range header."""
        if self.first is None:
            return f"bytes=-{self.suffix}"
        return f"bytes={self.first}-{'' if self.last is None else self.last}"

    def of(self, total: int) -> Span | None:
        """Return the part that this range selects in a file of `total` bytes.

        Returns None if the range contains no byte of the file.
        """
        if self.first is None:
            span = Span(max(0, total - (self.suffix or 0)), total - 1, total)
        else:
            last = total - 1 if self.last is None else min(self.last, total - 1)
            span = Span(self.first, last, total)
        return span if span.first <= span.last else None

    def is_answered_by(self, span: Span) -> bool:
        """Return whether an origin may send `span` in response to this range.

        `span` must have the same start, and must not have a later end.
        """
        if span.total is not None:
            wanted = self.of(span.total)
            return wanted is not None and span.first == wanted.first and span.last <= wanted.last
        return span.first == self.first and (self.last is None or span.last <= self.last)
