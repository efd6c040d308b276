"""An issuer's published keys (JWKS, RFC 7517): fetched in the background, kept when it is down.

A request whose key is known reads a dictionary and never waits. Only an unknown key id makes a
request wait for a fetch, which ends after FETCH_SECONDS at the latest.
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
"""How old the keys may be before a request has them fetched anew, in the background."""
REFETCH_SECONDS = 30.0
"""The least time between two fetches caused by unknown key ids, and before a failed one is repeated."""
FIRST_FETCH_SECONDS = 1.0
"""The same while no key was ever had: until then no token can be verified."""
MOST_WAITING = 4
"""Requests that may wait for a fetch at a time: unknown key ids can't hold every thread."""

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
            self._take(jwks_document.fetch(self._url))
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

    def _take(self, document: Any) -> None:
        """Raises ValueError, and keeps the keys there are, when `document` holds none."""
        if document == self._document:
            return
        self._keys = jwks_document.usable_keys(document)
        self._document = document
        self.generation += 1  # after the keys: what the old ones verified must not outlive them
