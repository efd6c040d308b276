"""A connection to an origin: to the address that was checked, and never waited for without a bound.

Each fetch has one of its own, closed when it is over. What an origin sends beyond its answer is so
never taken for the beginning of another one's.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import httpcore

from resume_service.media.addresses import Address


class Timeouts(NamedTuple):
    """Seconds."""

    connect: float = 3.0
    """To find and reach the origin."""
    headers: float = 8.0
    """Until its answer begins, all of the above included."""
    silence: float = 10.0
    """Without a byte in mid-body."""


LONGEST_HEAD = 256 * 1024
"""Bytes that may come before the body: interim answers and headers, and what came along with them."""


class TimedStream(httpcore.NetworkStream):
    """A connection that fails when the origin is silent, or when its headers have no end.

    Until `head_is_over` all waits together end at `deadline`; from then on each ends by itself.
    """

    def __init__(self, inner: httpcore.NetworkStream, deadline: float, silence: float) -> None:
        self._inner = inner
        self._deadline: float | None = deadline
        self._silence = silence
        self._head = 0

    def head_is_over(self) -> None:
        self._deadline = None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self._inner.read(max_bytes, self._timeout())
        if self._deadline is not None:
            self._head += len(data)
            if self._head > LONGEST_HEAD:
                raise httpcore.RemoteProtocolError("headers without an end")
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._timeout())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        self._inner = self._inner.start_tls(ssl_context, server_hostname, self._timeout())
        return self

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def _timeout(self) -> float:
        if self._deadline is None:
            return self._silence
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left


class PinnedBackend(httpcore.NetworkBackend):
    """Connects to one of `addresses`, whatever host is asked for: names were looked up before."""

    def __init__(self, addresses: Sequence[Address], started: float, timeout: Timeouts) -> None:
        self._addresses = addresses
        self._started = started
        """By time.monotonic()."""
        self._timeout = timeout
        self.stream: TimedStream | None = None

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failed: Exception = httpcore.ConnectTimeout()
        for address in self._addresses:
            left = self._started + self._timeout.connect - time.monotonic()
            if left <= 0:
                raise httpcore.ConnectTimeout
            try:
                inner = httpcore.SyncBackend().connect_tcp(str(address), port, left)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as fault:
                failed = fault
                continue
            deadline = self._started + self._timeout.headers
            self.stream = TimedStream(inner, deadline, self._timeout.silence)
            return self.stream
        raise failed

    def close(self) -> None:
        """Close what was connected, at whatever point."""
        if self.stream is not None:
            self.stream.close()
