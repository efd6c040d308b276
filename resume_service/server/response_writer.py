"""Converts responses of the fast lane to bytes."""

from __future__ import annotations

import time
from http import HTTPStatus

from gunicorn import SERVER, util

from resume_service.web.lifecycle import COMMON_HEADERS
from resume_service.web.messages import Headers, LaneResponse

WITHOUT_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
"""The status of a response that has no `Content-Length`."""


def _lines(headers: Headers) -> bytes:
    return "".join([f"{name}: {value}\r\n" for name, value in headers]).encode("latin-1")


_END = b"\r\n" + _lines(COMMON_HEADERS) + b"\r\n"


class _Heads:
    """The start of each response of the current second, up to the request id.

    A response has one of few statuses and headers. So almost all are prepared: this saves 4 us.
    """

    def __init__(self) -> None:
        self._second = 0
        self._heads: dict[tuple[int, Headers], bytes] = {}

    def of(self, status: int, headers: Headers) -> bytes:
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._heads.clear()
        head = self._heads.get((status, headers))
        if head is None:
            first = (
                f"HTTP/1.1 {status} {HTTPStatus(status).phrase.upper()}\r\nServer: {SERVER}\r\n"
                f"Date: {util.http_date(second)}\r\nConnection: keep-alive\r\n"
            )
            head = first.encode() + _lines(headers) + b"X-Request-Id: "
            self._heads[status, headers] = head
        return head


_heads = _Heads()


def response_bytes(answer: LaneResponse) -> bytes:
    """Return the bytes of a response. The connection remains open after the response."""
    response, request_id = answer.response, answer.request_id
    head = _heads.of(response.status, response.headers)
    end = _END
    if response.varying or answer.more:
        end = b"\r\n" + _lines(response.varying + answer.more) + _END[2:]
    if response.status in WITHOUT_BODY:
        return b"%b%b%b" % (head, request_id.encode(), end)
    body = response.body
    return b"%b%b\r\nContent-Length: %d%b%b" % (head, request_id.encode(), len(body), end, body)
