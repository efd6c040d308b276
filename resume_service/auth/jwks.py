"""The public keys of an issuer (JWKS, RFC 7517), fetched in the background.

A token contains the id of its key. The keys have a generation: a number that increases whenever the
keys change.

A request with a known key id reads a dictionary and never waits. A request with an unknown key id
waits for a fetch, unless the last fetch is too recent. A fetch ends after at most FETCH_SECONDS.
While the issuer is down, the old keys remain in use.
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
"""Age of the keys in seconds from which a request starts a fetch in the background."""
REFETCH_SECONDS = 30.0
"""Minimum seconds between two fetches for unknown key ids.

A request with a known key id starts a new fetch this number of seconds after a failed fetch.
"""
FIRST_FETCH_SECONDS = 1.0
"""Minimum seconds between two fetches for unknown key ids while no fetch has succeeded yet.

This pause is short, because no token can be verified before the first fetch succeeds.
"""
MAX_WAITING = 4
"""Maximum number of requests that wait for a fetch at the same time.

So requests with unknown key ids can't block all threads.
"""

_log = structlog.get_logger(__name__)


class KeySet:
    """The public keys of one issuer, by key id."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: dict[str, jwt.PyJWK] = {}
        self._document: Any = None
        self.generation = 0
        """The generation of the keys. The cache of tokens ignores entries of older generations."""
        self._stale_at = 0.0
        self._refetch_at = 0.0
        self._fetching = False
        self._waiting = 0
        self._changed = threading.Condition()

    def find(self, kid: object) -> jwt.PyJWK:
        """Return the key with the id `kid`.

        Raises Unauthorized if the issuer has no such key. Raises Unavailable if no fetch has
        succeeded yet. Raises Unavailable if MAX_WAITING requests already wait for a fetch.
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

    def is_fetch_due(self) -> bool:
        """Return whether the keys are too old, and no fetch runs."""
        return time.monotonic() >= self._stale_at and not self._fetching

    def refresh_when_due(self) -> None:
        """Start a fetch in the background if the keys are too old."""
        if self.is_fetch_due():
            self._refresh()

    def _refresh(self) -> None:
        with self._changed:
            if not self._fetching:
                self._start_fetch()

    def _wait_for_fetch(self) -> None:
        """If a fetch runs, wait for it. If none runs, start one and wait.

        Return at once if the last fetch is too recent. Raises Unavailable if too many requests wait.
        """
        with self._changed:
            if not self._fetching:
                if time.monotonic() < self._refetch_at:
                    return
                pause = REFETCH_SECONDS if self._keys else FIRST_FETCH_SECONDS
                self._refetch_at = time.monotonic() + pause
                self._start_fetch()
            if self._waiting >= MAX_WAITING:
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
        seconds_until_next = REFETCH_SECONDS
        try:
            self._store(jwks_document.fetch(self._url))
            seconds_until_next = REFRESH_SECONDS
        except jwks_document.FETCH_FAULTS as fault:
            _log.warning(
                "jwks fetch failed", url=self._url, fault=repr(fault), kept=len(self._keys)
            )
        finally:
            with self._changed:
                self._stale_at = time.monotonic() + seconds_until_next
                self._fetching = False
                self._changed.notify_all()

    def _store(self, document: Any) -> None:
        """Replace the keys by the keys of `document`.

        Raises ValueError if `document` has no usable key. The old keys then stay in use.
        """
        if document == self._document:
            return
        self._keys = jwks_document.usable_keys(document)
        self._document = document
        # Increase the generation after the keys are replaced. Otherwise a token verified with an old
        # key could be cached under the new generation.
        self.generation += 1
