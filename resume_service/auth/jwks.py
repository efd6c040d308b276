"""The public keys of an issuer (JWKS, RFC 7517). They are fetched in the background.

A request with a known key id reads a dictionary and never waits. A request with an unknown key id
waits for a fetch, which ends after at most FETCH_SECONDS. While the issuer is down, the old keys
remain in use.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import jwt
import structlog

from resume_service.auth import jwks_document
from resume_service.errors import Unauthorized, Unavailable

REFRESH_SECONDS = 300.0
"""Age in seconds at which a request starts a fetch in the background."""
REFETCH_SECONDS = 30.0
"""Minimum seconds between fetches for unknown key ids, and until a failed fetch is repeated."""
FIRST_FETCH_SECONDS = 1.0
"""The same until the first fetch succeeds. Until then no token can be verified."""
MOST_WAITING = 4
"""Maximum requests that wait for a fetch, so that unknown key ids can't block all threads."""

_log = structlog.get_logger(__name__)


class KeySet:
    """The public keys of one issuer, by key id."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: dict[str, jwt.PyJWK] = {}
        self._document: Any = None
        self.generation = 0
        """Increases whenever the keys change."""
        self._stale_at = 0.0
        self._refetch_at = 0.0
        self._fetching = False
        self._waiting = 0
        self._changed = threading.Condition()

    def find(self, kid: object) -> jwt.PyJWK:
        """Return the key with the id `kid`.

        Raises Unauthorized if the issuer has no such key. Raises Unavailable if no key was ever
        fetched, or if MOST_WAITING requests already wait for a fetch.
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
        """Start a fetch in the background if the keys are too old."""
        if time.monotonic() >= self._stale_at:
            self._refresh()

    def _refresh(self) -> None:
        with self._changed:
            if not self._fetching:
                self._start_fetch()

    def _wait_for_fetch(self) -> None:
        """Wait for the running fetch, or start one unless the last one is too recent."""
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
                self._changed.wait_for(
                    lambda: not self._fetching, jwks_document.FETCH_SECONDS + 0.5
                )
            finally:
                self._waiting -= 1

    def _start_fetch(self) -> None:
        self._fetching = True
        threading.Thread(target=self._fetch, name="jwks-fetch", daemon=True).start()

    def _fetch(self) -> None:
        fresh_for = REFETCH_SECONDS
        try:
            self._store(jwks_document.fetch(self._url))
            fresh_for = REFRESH_SECONDS
        except jwks_document.FETCH_FAULTS as fault:
            _log.warning(
                "jwks fetch failed", url=self._url, fault=repr(fault), kept=len(self._keys)
            )
        finally:
            with self._changed:
                self._stale_at = time.monotonic() + fresh_for
                self._fetching = False
                self._changed.notify_all()

    def _store(self, document: Any) -> None:
        """Use the keys of `document`. Raises ValueError, and keeps the old keys, if it has none."""
        if document == self._document:
            return
        self._keys = jwks_document.usable_keys(document)
        self._document = document
        self.generation += 1  # after the keys: a token of an old key must not stay cached
