"""What an origin answered, held against what it was asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from http import HTTPStatus

import httpcore

from resume_service.errors import NotFound, OriginFailed, OriginTimeout, RangeNotSatisfiable
from resume_service.media.byte_ranges import Span
from resume_service.media.content_types import served_as
from resume_service.media.model import ByteRequest, Chunk, OpenMedia

_a_length = re.compile("[0-9]{1,18}").fullmatch
_an_etag = re.compile(r'(W/)?"[!#-~]{0,256}"').fullmatch
_a_date = re.compile(r"[A-Za-z0-9 ,:+-]{10,40}").fullmatch
_nothing_there = re.compile(r"bytes \*/([0-9]{1,18})").fullmatch
GONE = "The video's file is missing"


class OriginResponse:
    """Raises OriginFailed for an answer that is not one to what was `wanted`, NotFound and
    RangeNotSatisfiable for one that says so."""

    def __init__(self, response: httpcore.Response, wanted: ByteRequest) -> None:
        self._response = response
        self._wanted = wanted
        self._given: dict[str, list[str]] = {}
        for name, value in response.headers:
            self._given.setdefault(name.decode("latin-1").lower(), []).append(
                value.decode("latin-1").strip()
            )

    def opened(self, close: Callable[[], None]) -> OpenMedia:
        """The answer to pass on. Its first bytes are here, unless it has none."""
        self._require_success()
        if self._response.status == HTTPStatus.NOT_MODIFIED:
            return OpenMedia(HTTPStatus.NOT_MODIFIED, self._validators(), iter(()), close)
        span = self._span()
        length = self._length(span)
        headers = self._validators() | {"Content-Type": served_as(self._one("content-type"))}
        if length is not None:
            headers["Content-Length"] = str(length)
        if span is not None:
            headers["Content-Range"] = span.text
        if span is not None or self._one("accept-ranges") == "bytes":
            headers["Accept-Ranges"] = "bytes"
        parts = self._parts(length) if self._wanted.body else iter(())
        return OpenMedia(self._response.status, headers, parts, close)

    def _require_success(self) -> None:
        status = self._response.status
        if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            raise NotFound(GONE)
        if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and self._wanted.range:
            total = _nothing_there(self._one("content-range") or "")
            raise RangeNotSatisfiable(int(total[1]) if total else None)
        expected = {HTTPStatus.OK}
        if self._wanted.range is not None:
            expected.add(HTTPStatus.PARTIAL_CONTENT)
        if self._wanted.if_none_match is not None:
            expected.add(HTTPStatus.NOT_MODIFIED)
        if status not in expected or self._one("content-encoding") not in (None, "identity"):
            raise OriginFailed

    def _span(self) -> Span | None:
        """The bytes that a 206 says it holds."""
        if self._response.status != HTTPStatus.PARTIAL_CONTENT:
            return None
        span = Span.parse(self._one("content-range") or "")
        if span is None or not (self._wanted.range and self._wanted.range.is_answered_by(span)):
            raise OriginFailed
        return span

    def _length(self, span: Span | None) -> int | None:
        """Bytes to come; None for an answer in chunks, whose end is marked.

        An answer that ends with its connection is refused: nobody could tell whether it was cut.
        """
        stated = self._one("content-length")
        in_chunks = self._one("transfer-encoding") == "chunked"
        if stated is None:
            if self._wanted.body and not in_chunks:
                raise OriginFailed
            return span.length if span else None
        if not _a_length(stated) or (span and span.length != int(stated)):
            raise OriginFailed
        return int(stated)

    def _validators(self) -> dict[str, str]:
        etag, modified = self._one("etag"), self._one("last-modified")
        validators = {}
        if etag and _an_etag(etag):
            validators["ETag"] = etag
        if modified and _a_date(modified):
            validators["Last-Modified"] = modified
        return validators

    def _one(self, name: str) -> str | None:
        """The value of a header. Raises OriginFailed where several contradict one another."""
        values = set(self._given.get(name, ()))
        if len(values) > 1:
            raise OriginFailed
        return values.pop() if values else None

    def _parts(self, length: int | None) -> Iterator[Chunk]:
        parts = _counted(self._bytes(), length) if length is not None else _held(self._bytes())
        first = next(parts, None)  # an origin that fails before its first byte gets a 502
        return iter(()) if first is None else _chained(first, parts)

    def _bytes(self) -> Iterator[bytes]:
        try:
            yield from self._response.iter_stream()
        except httpcore.TimeoutException as fault:
            raise OriginTimeout from fault
        except (httpcore.NetworkError, httpcore.ProtocolError) as fault:
            raise OriginFailed from fault


def _counted(chunks: Iterator[bytes], length: int) -> Iterator[Chunk]:
    """Raises OriginFailed when they are more or fewer than `length` bytes."""
    left = length
    for data in chunks:
        left -= len(data)
        if left < 0:
            raise OriginFailed
        yield Chunk(data, is_last=left == 0)
        if left == 0:
            return
    if left:
        raise OriginFailed


def _held(chunks: Iterator[bytes]) -> Iterator[Chunk]:
    """Each is kept back until the next is here: only so the last is known as such."""
    held = next(chunks, None)
    for data in chunks:
        yield Chunk(held or b"", is_last=False)
        held = data
    if held is not None:
        yield Chunk(held, is_last=True)


def _chained(first: Chunk, others: Iterator[Chunk]) -> Iterator[Chunk]:
    yield first
    yield from others
