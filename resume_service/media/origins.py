"""Fetches videos from other servers (origins). It connects only to addresses that it has checked.

Each response must match the request, and each body must match its headers: see docs/adr/0034, 0035.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Sequence

import httpcore

from resume_service.errors import OriginFailed, OriginTimeout, Unavailable
from resume_service.media import addresses
from resume_service.media.addresses import Address, DnsNotFound, DnsTimeout, is_public
from resume_service.media.model import ByteRequest, OpenMedia
from resume_service.media.origin_connection import PinnedBackend, Timeouts
from resume_service.media.origin_response import OriginResponse
from resume_service.media.origin_url import AllowedOrigins, OriginUrl, PathNotAllowed, parsed

MAX_FETCHES = 256
"""Maximum number of fetches that a process runs at the same time.

Each fetch needs two file descriptors, and memory for a few chunks.
"""
NOT_PUBLIC = (
    "Must be on a host whose name leads to public addresses only; a private origin is listed"
    " by its address."
)


class Origins:
    """The servers that STREAM_ALLOWED_HOSTS lists."""

    def __init__(
        self,
        allowed: tuple[str, ...],
        timeout: Timeouts | None = None,
        tls: Callable[[], ssl.SSLContext] = httpcore.default_ssl_context,
    ) -> None:
        self._allowed = AllowedOrigins(allowed)
        self._timeout = timeout or Timeouts()
        self._tls = tls
        self._tls_context: ssl.SSLContext | None = None
        self._slots = threading.BoundedSemaphore(MAX_FETCHES)

    def check(self, file_path: str) -> None:
        """Check a URL. Raises PathNotAllowed if the URL is not allowed.

        A host name without an address is allowed, because each fetch resolves and checks the name
        again.
        """
        url = self._allowed_url(file_path)
        try:
            self._addresses(url)
        except (DnsNotFound, DnsTimeout):
            return

    def open(self, file_path: str, wanted: ByteRequest) -> OpenMedia:
        """Start to fetch a video.

        Raises PathNotAllowed if the URL is not allowed. Raises Unavailable if MAX_FETCHES fetches
        run. Raises OriginTimeout if the origin does not answer in time. Raises OriginFailed if the
        origin can't be reached. `OriginResponse.opened` raises the errors of a wrong response.
        """
        started = time.monotonic()
        url = self._allowed_url(file_path)
        if not self._slots.acquire(blocking=False):
            raise Unavailable
        try:
            backend = PinnedBackend(self._reachable(url), started, self._timeout)
        except BaseException:
            self._slots.release()
            raise
        return self._fetch(url, backend, wanted)

    def _allowed_url(self, file_path: str) -> OriginUrl:
        url = parsed(file_path)
        self._allowed.require(url)
        return url

    def _reachable(self, url: OriginUrl) -> Sequence[Address]:
        try:
            return self._addresses(url)
        except DnsNotFound:
            raise OriginFailed from None
        except DnsTimeout:
            raise OriginTimeout from None

    def _addresses(self, url: OriginUrl) -> Sequence[Address]:
        """Return the addresses to connect to.

        Raises PathNotAllowed if the host name has an address that is not public. Raises DnsNotFound
        if the name has no address. Raises DnsTimeout if the lookup takes too long.
        """
        if url.address is not None:
            return (url.address,)
        resolved = addresses.addresses_of(url.host, self._timeout.connect)
        if not all(is_public(each) for each in resolved):
            raise PathNotAllowed(NOT_PUBLIC)
        return resolved

    def _fetch(self, url: OriginUrl, backend: PinnedBackend, wanted: ByteRequest) -> OpenMedia:
        closing = threading.Lock()

        def close() -> None:
            if closing.acquire(blocking=False):  # only the first call of `close` gets this lock
                backend.close()
                self._slots.release()

        try:
            response = OriginResponse(self._request(url, backend, wanted), wanted)
            return response.opened(close)
        except httpcore.TimeoutException as fault:
            close()
            raise OriginTimeout from fault
        except (httpcore.NetworkError, httpcore.ProtocolError) as fault:
            close()
            raise OriginFailed from fault
        except BaseException:
            close()
            raise

    def _request(
        self, url: OriginUrl, backend: PinnedBackend, wanted: ByteRequest
    ) -> httpcore.Response:
        origin = httpcore.Origin(url.scheme.encode(), url.host.encode(), url.port)
        connection = httpcore.HTTPConnection(origin, self._context(url), network_backend=backend)
        target = httpcore.URL(scheme=url.scheme, host=url.host, port=url.port, target=url.target)
        method = "GET" if wanted.body else "HEAD"
        response = connection.handle_request(
            httpcore.Request(method, target, headers=_headers(url, wanted))
        )
        if backend.stream is not None:
            backend.stream.head_is_over()
        return response

    def _context(self, url: OriginUrl) -> ssl.SSLContext | None:
        """Return the TLS context for an https URL.

        It is created on first use, because this reads about a hundred certificates.
        """
        if url.scheme == "https" and self._tls_context is None:
            self._tls_context = self._tls()
        return self._tls_context


def _headers(url: OriginUrl, wanted: ByteRequest) -> list[tuple[str, str]]:
    """Return the request headers.

    From the caller's request, they contain only the range and the conditions. They never contain the
    caller's token, cookies or IP address.
    """
    headers = [
        ("Host", url.authority),
        ("User-Agent", "resume-service"),
        ("Accept", "*/*"),
        # Without compression, lengths and ranges apply to the bytes that the client gets.
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
    ]
    if wanted.range is not None:
        headers.append(("Range", wanted.range.text))
        if wanted.if_range is not None:
            headers.append(("If-Range", wanted.if_range))
    if wanted.if_none_match is not None:
        headers.append(("If-None-Match", wanted.if_none_match))
    return headers
