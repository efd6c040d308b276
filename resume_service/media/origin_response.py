"""Checks that the response of an origin matches the request: see docs/adr/0035."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from http import HTTPStatus

import httpcore

from resume_service.errors import NotFound, OriginFailed, OriginTimeout, RangeNotSatisfiable
from resume_service.media.byte_ranges import Span
from resume_service.media.content_types import served_as
from resume_service.media.model import ByteRequest, Chunk, OpenMedia

_match_length = re.compile("[0-9]{1,18}").fullmatch
_match_etag = re.compile(r'(W/)?"[!#-~]{0,256}"').fullmatch
_match_date = re.compile(r"[A-Za-z0-9 ,:+-]{10,40}").fullmatch
_match_unsatisfied_range = re.compile(r"bytes \*/([0-9]{1,18})").fullmatch
NO_FILE = "The video's file is missing"


class OriginResponse:
    """A response of an origin to the request `wanted`.

    `opened` raises OriginFailed if the response does not match the request. It raises NotFound if the
    status is 404 or 410. It raises RangeNotSatisfiable if the status is 416.
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
        """Return the response for the client. If it has a body, the first chunk is already read."""
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
            raise NotFound(NO_FILE)
        if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and self._wanted.range:
            total = _match_unsatisfied_range(self._one("content-range") or "")
            raise RangeNotSatisfiable(int(total[1]) if total else None)
        expected = {HTTPStatus.OK}
        if self._wanted.range is not None:
            expected.add(HTTPStatus.PARTIAL_CONTENT)
        if self._wanted.if_none_match is not None:
            expected.add(HTTPStatus.NOT_MODIFIED)
        if status not in expected or self._one("content-encoding") not in (None, "identity"):
            raise OriginFailed

    def _span(self) -> Span | None:
        """Return the range in a 206 response. Returns None for another status.

        Raises OriginFailed if the range is invalid or does not match the request.
        """
        if self._response.status != HTTPStatus.PARTIAL_CONTENT:
            return None
        span = Span.parse(self._one("content-range") or "")
        if span is None or not (self._wanted.range and self._wanted.range.is_answered_by(span)):
            raise OriginFailed
        return span

    def _length(self, span: Span | None) -> int | None:
        """Return the length of the body in bytes. Returns None if the body is chunked.

        A chunked body marks its own end. Any other body without a length ends when its connection
        ends. This raises OriginFailed, because we could not detect that the end is missing.
        """
        stated = self._one("content-length")
        is_chunked = self._one("transfer-encoding") == "chunked"
        if stated is None:
            if self._wanted.body and not is_chunked:
                raise OriginFailed
            return span.length if span else None
        if not _match_length(stated) or (span and span.length != int(stated)):
            raise OriginFailed
        return int(stated)

    def _validators(self) -> dict[str, str]:
        etag, modified = self._one("etag"), self._one("last-modified")
        validators = {}
        if etag and _match_etag(etag):
            validators["ETag"] = etag
        if modified and _match_date(modified):
            validators["Last-Modified"] = modified
        return validators

    def _one(self, name: str) -> str | None:
        """Return the value of a header. Returns None if the header is missing.

        Raises OriginFailed if the header has several different values.
        """
        values = set(self._headers.get(name, ()))
        if len(values) > 1:
            raise OriginFailed
        return values.pop() if values else None

    def _parts(self, length: int | None) -> Iterator[Chunk]:
        parts = _counted(self._bytes(), length) if length is not None else _delayed(self._bytes())
        first = next(parts, None)  # if this fails, the client can still get a 502 or 504
        return iter(()) if first is None else _joined(first, parts)

    def _bytes(self) -> Iterator[bytes]:
        try:
            yield from self._response.iter_stream()
        except httpcore.TimeoutException as fault:
            raise OriginTimeout from fault
        except (httpcore.NetworkError, httpcore.ProtocolError) as fault:
            raise OriginFailed from fault


def _counted(chunks: Iterator[bytes], length: int) -> Iterator[Chunk]:
    """Yield the chunks. Raises OriginFailed if they have more or fewer than `length` bytes."""
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
    """Yield each chunk after the next chunk has arrived. So we know which chunk is the last."""
    previous = next(chunks, None)
    for data in chunks:
        yield Chunk(previous or b"", is_last=False)
        previous = data
    if previous is not None:
        yield Chunk(previous, is_last=True)


def _joined(first: Chunk, others: Iterator[Chunk]) -> Iterator[Chunk]:
    yield first
    yield from others
