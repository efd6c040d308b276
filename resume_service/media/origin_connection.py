"""A connection to an origin, at an address that was checked before. Every wait has a timeout.

Each fetch opens its own connection, and closes the connection at the end. So if an origin sends too
many bytes, these bytes can't become part of another response.
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
    """From the start of the fetch until the connection is made, with the DNS lookup."""
    headers: float = 8.0
    """From the start of the fetch until all headers of the response have arrived."""
    silence: float = 10.0
    """Maximum time without a new byte, while the body is read."""


MAX_HEAD_BYTES = 256 * 1024
"""Maximum number of bytes that are read until the headers are complete.

These bytes include interim responses (status 1xx), and bytes of the body that are read together with
the headers.
"""


class TimedStream(httpcore.NetworkStream):
    """A connection that raises an error if the origin is too slow or its headers are too long.

    Until `head_is_over` is called, all waits share one deadline. After that call, each wait has its
    own timeout.
    """

    def __init__(self, inner: httpcore.NetworkStream, deadline: float, silence: float) -> None:
        self._inner = inner
        self._deadline: float | None = deadline
        self._silence = silence
        self._head_bytes = 0

    def head_is_over(self) -> None:
        self._deadline = None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self._inner.read(max_bytes, self._timeout())
        if self._deadline is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
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
    """Connects to one of `addresses`, which were checked before. It does not resolve the host name."""

    def __init__(self, addresses: Sequence[Address], started: float, timeout: Timeouts) -> None:
        self._addresses = addresses
        self._started = started
        """Time at which the fetch started, from time.monotonic()."""
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
        """Close the connection if it is open. This may be called at any time."""
        if self.stream is not None:
            self.stream.close()
