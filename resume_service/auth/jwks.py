"""An issuer's published keys (JWKS, RFC 7517): fetched in the background, kept when it is down.

A request whose key is known reads a dictionary and never waits. Only an unknown key id makes a
request wait for a fetch, which ends after FETCH_SECONDS at the latest.
"""

from __future__ import annotations

import http.client
import json
import queue
import threading
import time
import urllib.error
import urllib.request
from typing import Any

import jwt
import structlog

from resume_service.errors import Unauthorized, Unavailable

FETCH_SECONDS = 2.0
REFRESH_SECONDS = 300.0
"""How old the keys may be before a request has them fetched anew, in the background."""
REFETCH_SECONDS = 30.0
"""The least time between two fetches caused by unknown key ids, and before a failed one is repeated."""
FIRST_FETCH_SECONDS = 1.0
"""The same while no key was ever had: until then no token can be verified."""
MOST_WAITING = 4
"""Requests that may wait for a fetch at a time: unknown key ids can't hold every thread."""
MOST_BYTES = 1 << 20
SMALLEST_RSA_BITS = 2048  # RFC 7518, section 3.3

FETCH_FAULTS = (OSError, ValueError, RecursionError, http.client.HTTPException)
"""What an issuer that is down, slow or talks nonsense makes of a fetch."""
ALGORITHMS = {"RSA": "RS256", "EC": "ES256"}
_log = structlog.get_logger(__name__)


class KeySet:
    """The public keys of one issuer, by key id."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: dict[str, jwt.PyJWK] = {}
        self._document: Any = None
        self.generation = 0
        """Changes when the keys do."""
        self._stale_at = 0.0
        self._refetch_at = 0.0
        self._fetching = False
        self._waiting = 0
        self._changed = threading.Condition()

    def find(self, kid: object) -> jwt.PyJWK:
        """The key named `kid`.

        Raises Unauthorized when the issuer has no such key, Unavailable when that can't be told:
        no key was ever had, or too many requests wait for the same answer.
        """
        if not isinstance(kid, str):
            raise Unauthorized
        key = self._keys.get(kid)
        if key is None:
            self._wait_for_fetch()
            key = self._keys.get(kid)
        else:
            self.refresh_when_due()
        if key is not None:
            return key
        if self._keys:
            raise Unauthorized
        raise Unavailable("The issuer's keys can't be reached, try again")

    def refresh_when_due(self) -> None:
        """Have the keys fetched anew, in the background, once they are older than they may be."""
        if time.monotonic() >= self._stale_at:
            self._refresh()

    def _refresh(self) -> None:
        with self._changed:
            if not self._fetching:
                self._start_fetch()

    def _wait_for_fetch(self) -> None:
        """Wait for the fetch under way, or for a new one unless the last is too recent."""
        with self._changed:
            if not self._fetching:
                if time.monotonic() < self._refetch_at:
                    return
                pause = REFETCH_SECONDS if self._keys else FIRST_FETCH_SECONDS
                self._refetch_at = time.monotonic() + pause
                self._start_fetch()
            if self._waiting >= MOST_WAITING:
                raise Unavailable
            self._waiting += 1
            try:
                self._changed.wait_for(lambda: not self._fetching, FETCH_SECONDS + 0.5)
            finally:
                self._waiting -= 1

    def _start_fetch(self) -> None:
        self._fetching = True
        threading.Thread(target=self._fetch, name="jwks-fetch", daemon=True).start()

    def _fetch(self) -> None:
        fresh_for = REFETCH_SECONDS
        try:
            self._take(_fetched_document(self._url))
            fresh_for = REFRESH_SECONDS
        except FETCH_FAULTS as fault:
            _log.warning(
                "jwks fetch failed", url=self._url, fault=repr(fault), kept=len(self._keys)
            )
        finally:
            with self._changed:
                self._stale_at = time.monotonic() + fresh_for
                self._fetching = False
                self._changed.notify_all()

    def _take(self, document: Any) -> None:
        """Raises ValueError, and keeps the keys there are, when `document` holds none."""
        if document == self._document:
            return
        self._keys = _usable_keys(document)
        self._document = document
        self.generation += 1  # after the keys: what the old ones verified must not outlive them


def _fetched_document(url: str) -> Any:
    """The JSON at `url`. Raises one of FETCH_FAULTS, after FETCH_SECONDS at the latest.

    The time-out of a socket starts anew at each byte, so an issuer that drips its answer would hold
    the fetch for ever; a thread of its own can be left behind.
    """
    outcome: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def fetch() -> None:
        try:
            outcome.put(_document(url))
        except FETCH_FAULTS as fault:
            outcome.put(fault)

    threading.Thread(target=fetch, name="jwks-download", daemon=True).start()
    try:
        fetched = outcome.get(timeout=FETCH_SECONDS)
    except queue.Empty:
        raise TimeoutError(f"not read within {FETCH_SECONDS} s") from None
    if isinstance(fetched, Exception):
        raise fetched
    return fetched


def _document(url: str) -> Any:
    try:
        with urllib.request.urlopen(url, timeout=FETCH_SECONDS) as response:  # noqa: S310 - Settings takes http(s) only
            body = response.read(MOST_BYTES + 1)
    except urllib.error.HTTPError as refused:
        with refused:
            raise ValueError(f"status {refused.code}") from None
    if len(body) > MOST_BYTES:
        raise ValueError(f"more than {MOST_BYTES} bytes")
    return json.loads(body)


def _usable_keys(document: Any) -> dict[str, jwt.PyJWK]:
    """The signature keys of a JWKS document that this service takes, by key id.

    Raises ValueError when there is none: a broken document must not displace good keys.
    """
    listed = document.get("keys") if isinstance(document, dict) else None
    keys = {}
    for jwk in listed if isinstance(listed, list) else ():
        if isinstance(jwk, dict) and isinstance(jwk.get("kid"), str) and (key := _key(jwk)):
            keys[jwk["kid"]] = key
    if not keys:
        raise ValueError("no usable key in the document")
    return keys


def _key(jwk: dict[str, Any]) -> jwt.PyJWK | None:
    """`jwk` as a verifying key whose type fixes the algorithm; None for one we don't take."""
    algorithm = ALGORITHMS.get(str(jwk.get("kty")))
    if (
        algorithm is None
        or jwk.get("alg", algorithm) != algorithm
        or jwk.get("use", "sig") != "sig"
        or jwk.get("crv", "P-256") != "P-256"
        or "d" in jwk
    ):
        return None
    try:
        key = jwt.PyJWK(jwk, algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if algorithm == "RS256" and key.key.key_size < SMALLEST_RSA_BITS:
        return None
    return key
