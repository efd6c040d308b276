"""Checks the response of an origin against the request: docs/adr/0035."""

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
_unsatisfied = re.compile(r"bytes \*/([0-9]{1,18})").fullmatch
GONE = "The video's file is missing"


class OriginResponse:
    """A response of an origin.

    Raises OriginFailed if it does not match the request `wanted`. Raises NotFound for a 404 or 410,
    and RangeNotSatisfiable for a 416.
    """

    def __init__(self, response: httpcore.Response, wanted: ByteRequest) -> None:
        self._response = response
        self._wanted = wanted
        self._headers: dict[str, list[str]] = {}
        for name, value in response.headers:
            self._headers.setdefault(name.decode("latin-1").lower(), []).append(
                value.decode("latin-1").strip()
            )

    def opened(self, close: Callable[[], None]) -> OpenMedia:
        """The response to pass on. If it has a body, the first chunk is already read."""
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
            total = _unsatisfied(self._one("content-range") or "")
            raise RangeNotSatisfiable(int(total[1]) if total else None)
        expected = {HTTPStatus.OK}
        if self._wanted.range is not None:
            expected.add(HTTPStatus.PARTIAL_CONTENT)
        if self._wanted.if_none_match is not None:
            expected.add(HTTPStatus.NOT_MODIFIED)
        if status not in expected or self._one("content-encoding") not in (None, "identity"):
            raise OriginFailed

    def _span(self) -> Span | None:
        """The range that a 206 states."""
        if self._response.status != HTTPStatus.PARTIAL_CONTENT:
            return None
        span = Span.parse(self._one("content-range") or "")
        if span is None or not (self._wanted.range and self._wanted.range.is_answered_by(span)):
            raise OriginFailed
        return span

    def _length(self, span: Span | None) -> int | None:
        """The length of the body in bytes. None for a chunked body, which marks its own end.

        A body that ends with its connection is refused: a cut would be invisible.
        """
        stated = self._one("content-length")
        is_chunked = self._one("transfer-encoding") == "chunked"
        if stated is None:
            if self._wanted.body and not is_chunked:
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
        """The value of a header, or None. Raises OriginFailed for several different values."""
        values = set(self._headers.get(name, ()))
        if len(values) > 1:
            raise OriginFailed
        return values.pop() if values else None

    def _parts(self, length: int | None) -> Iterator[Chunk]:
        parts = _counted(self._bytes(), length) if length is not None else _delayed(self._bytes())
        first = next(parts, None)  # a failure before the first byte is a 502
        return iter(()) if first is None else _joined(first, parts)

    def _bytes(self) -> Iterator[bytes]:
        try:
            yield from self._response.iter_stream()
        except httpcore.TimeoutException as fault:
            raise OriginTimeout from fault
        except (httpcore.NetworkError, httpcore.ProtocolError) as fault:
            raise OriginFailed from fault


def _counted(chunks: Iterator[bytes], length: int) -> Iterator[Chunk]:
    """Raises OriginFailed for more or fewer than `length` bytes."""
    remaining = length
    for data in chunks:
        remaining -= len(data)
        if remaining < 0:
            raise OriginFailed
        yield Chunk(data, is_last=remaining == 0)
        if remaining == 0:
            return
    if remaining:
        raise OriginFailed


def _delayed(chunks: Iterator[bytes]) -> Iterator[Chunk]:
    """Yields each chunk after the next one has arrived, to know which chunk is the last."""
    previous = next(chunks, None)
    for data in chunks:
        yield Chunk(previous or b"", is_last=False)
        previous = data
    if previous is not None:
        yield Chunk(previous, is_last=True)


def _joined(first: Chunk, others: Iterator[Chunk]) -> Iterator[Chunk]:
    yield first
    yield from others
