"""A connection to the checked address of an origin. Every wait has a timeout.

Each fetch has its own connection, closed at its end. So extra bytes of an origin can't become part of
another response.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import httpcore

from resume_service.media.addresses import Address


class Timeouts(NamedTuple):
    """Timeouts of a fetch, in seconds."""

    connect: float = 3.0
    """For the DNS lookup and the connection."""
    headers: float = 8.0
    """Until the response begins, with lookup and connection included."""
    silence: float = 10.0
    """The longest time without a byte of the body."""


LONGEST_HEAD = 256 * 1024
"""Maximum bytes before the body: interim responses, headers, and bytes read together with them."""


class TimedStream(httpcore.NetworkStream):
    """A connection that fails if the origin sends nothing, or if its headers are too long.

    Before `head_is_over`, all waits share one deadline. After it, each wait has its own timeout.
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
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise httpcore.ReadTimeout
        return remaining


class PinnedBackend(httpcore.NetworkBackend):
    """Connects to one of `addresses`, resolved and checked before. Ignores the host name."""

    def __init__(self, addresses: Sequence[Address], started: float, timeout: Timeouts) -> None:
        self._addresses = addresses
        self._started = started
        """Start of the fetch, by time.monotonic()."""
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
        last_fault: Exception = httpcore.ConnectTimeout()
        for address in self._addresses:
            remaining = self._started + self._timeout.connect - time.monotonic()
            if remaining <= 0:
                raise httpcore.ConnectTimeout
            try:
                inner = httpcore.SyncBackend().connect_tcp(str(address), port, remaining)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as fault:
                last_fault = fault
                continue
            deadline = self._started + self._timeout.headers
            self.stream = TimedStream(inner, deadline, self._timeout.silence)
            return self.stream
        raise last_fault

    def close(self) -> None:
        """Close the connection, at any point of the fetch."""
        if self.stream is not None:
            self.stream.close()
