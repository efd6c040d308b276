"""`Range` and `Content-Range` (RFC 9110, section 14), as far as a player needs them: one range."""

from __future__ import annotations

import re
from typing import NamedTuple

_a_range = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{1,18})?|-([0-9]{1,18}))").fullmatch
_a_span = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)").fullmatch


class Span(NamedTuple):
    """Bytes of a whole, both ends included."""

    first: int
    last: int
    total: int | None
    """None where the origin does not tell."""

    @property
    def length(self) -> int:
        return self.last - self.first + 1

    @property
    def text(self) -> str:
        """As Content-Range states it."""
        return f"bytes {self.first}-{self.last}/{'*' if self.total is None else self.total}"

    @classmethod
    def parse(cls, text: str) -> Span | None:
        """None for a Content-Range that makes no sense."""
        found = _a_span(text)
        if found is None:
            return None
        total = None if found[3] == "*" else int(found[3])
        span = cls(int(found[1]), int(found[2]), total)
        makes_sense = span.first <= span.last and (total is None or span.last < total)
        return span if makes_sense else None


class ByteRange(NamedTuple):
    """What a client asks for: from `first` to `last`, or the last `suffix` bytes."""

    first: int | None
    last: int | None
    suffix: int | None = None

    @classmethod
    def parse(cls, header: str | None) -> ByteRange | None:
        """None for several ranges and for what is none: both may be answered with the whole."""
        found = _a_range(header.strip()) if header else None
        if found is None:
            return None
        first, last, suffix = (None if each is None else int(each) for each in found.groups())
        if first is not None and last is not None and last < first:
            return None
        return cls(first, last, suffix)

    @property
    def text(self) -> str:
        """As Range states it."""
        if self.first is None:
            return f"bytes=-{self.suffix}"
        return f"bytes={self.first}-{'' if self.last is None else self.last}"

    def of(self, total: int) -> Span | None:
        """These bytes of `total`; None when there are none of them."""
        if self.first is None:
            span = Span(max(0, total - (self.suffix or 0)), total - 1, total)
        else:
            last = total - 1 if self.last is None else min(self.last, total - 1)
            span = Span(self.first, last, total)
        return span if span.first <= span.last else None

    def is_answered_by(self, span: Span) -> bool:
        """Whether an origin that was asked for this may send that: the same start, no byte more."""
        if span.total is not None:
            own = self.of(span.total)
            return own is not None and span.first == own.first and span.last <= own.last
        return span.first == self.first and (self.last is None or span.last <= self.last)
