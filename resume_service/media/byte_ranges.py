"""`Range` and `Content-Range` with one range, as players send it (RFC 9110, section 14)."""

from __future__ import annotations

import re
from typing import NamedTuple

_a_range = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{1,18})?|-([0-9]{1,18}))").fullmatch
_a_span = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)").fullmatch


class Span(NamedTuple):
    """A part of a file: the bytes from `first` to `last`, both included."""

    first: int
    last: int
    total: int | None
    """Size of the whole file; None if the origin does not state it."""

    @property
    def length(self) -> int:
        return self.last - self.first + 1

    @property
    def text(self) -> str:
        """The value of the Content-Range header."""
        return f"bytes {self.first}-{self.last}/{'*' if self.total is None else self.total}"

    @classmethod
    def parse(cls, text: str) -> Span | None:
        """Returns None for an invalid Content-Range."""
        found = _a_span(text)
        if found is None:
            return None
        total = None if found[3] == "*" else int(found[3])
        span = cls(int(found[1]), int(found[2]), total)
        is_valid = span.first <= span.last and (total is None or span.last < total)
        return span if is_valid else None


class ByteRange(NamedTuple):
    """A range that a client requests: `first` to `last`, or the last `suffix` bytes."""

    first: int | None
    last: int | None
    suffix: int | None = None

    @classmethod
    def parse(cls, header: str | None) -> ByteRange | None:
        """Returns None for several ranges or an invalid one. RFC 9110 allows a 200 for both."""
        found = _a_range(header.strip()) if header else None
        if found is None:
            return None
        first, last, suffix = (None if each is None else int(each) for each in found.groups())
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
        """This range of a file of `total` bytes; None if it has no byte of the file."""
        if self.first is None:
            span = Span(max(0, total - (self.suffix or 0)), total - 1, total)
        else:
            last = total - 1 if self.last is None else min(self.last, total - 1)
            span = Span(self.first, last, total)
        return span if span.first <= span.last else None

    def is_answered_by(self, span: Span) -> bool:
        """Whether `span` is a valid response to this range: the same start, and no later end."""
        if span.total is not None:
            wanted = self.of(span.total)
            return wanted is not None and span.first == wanted.first and span.last <= wanted.last
        return span.first == self.first and (self.last is None or span.last <= self.last)
