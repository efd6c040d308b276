"""A cache of verified and refused tokens. So the service does not check the same signature again.

A player sends the same token with each save. The check of the signature takes longer than all other
steps of a save. A client with an expired token sends this token again and again.
"""

from __future__ import annotations

import hashlib
import threading
import time
from typing import TypeVar

from resume_service.auth.identity import Identity

MAX_TOKENS = 65_536
"""Maximum number of cached tokens. They need about 25 MB per process.

One core serves half this number of players, if each player sends a save every 5 s.
"""
MAX_REFUSED = 4096
"""Maximum number of cached refusals."""
REFUSED_SECONDS = 60.0
"""Seconds after which a refused token is checked again, because the clock may have been wrong."""


Entry = TypeVar("Entry")


class TokenCache:
    """Caches the identity of each verified token until its `exp`, or until the keys change.

    `generation` is a number that increases whenever the issuer's keys change. `digest` is the result
    of `digest_of`. So the cache does not contain the tokens themselves.
    """

    def __init__(self, max_tokens: int = MAX_TOKENS, max_refused: int = MAX_REFUSED) -> None:
        self._max_tokens = max_tokens
        self._max_refused = max_refused
        self._entries: dict[bytes, tuple[Identity, float, int]] = {}
        self._refused: dict[bytes, tuple[float, int]] = {}
        self._changing = threading.Lock()

    def get(self, digest: bytes, generation: int) -> Identity | None:
        """Return the cached identity of a token.

        Return None if the token is not cached, has expired, or was verified in another generation.
        """
        entry = self._entries.get(digest)
        if entry is None:
            return None
        identity, expires, key_generation = entry
        return identity if key_generation == generation and time.time() < expires else None

    def is_refused(self, digest: bytes, generation: int) -> bool:
        """Return whether the token was refused a short time ago, in the same generation."""
        entry = self._refused.get(digest)
        if entry is None:
            return False
        ends, key_generation = entry
        return key_generation == generation and time.monotonic() < ends

    def put(self, digest: bytes, identity: Identity, expires: float, generation: int) -> None:
        """Cache `identity` until `expires` (in seconds since 1970) for this `generation`."""
        with self._changing:
            _put(self._entries, self._max_tokens, digest, (identity, expires, generation))

    def put_refused(self, digest: bytes, generation: int) -> None:
        """Cache for REFUSED_SECONDS that a token is invalid in this `generation`."""
        entry = (time.monotonic() + REFUSED_SECONDS, generation)
        with self._changing:
            _put(self._refused, self._max_refused, digest, entry)


def digest_of(authorization: str) -> bytes:
    """Return the SHA-256 of the value of an `Authorization` header."""
    return hashlib.sha256(authorization.encode()).digest()


def _put(entries: dict[bytes, Entry], limit: int, digest: bytes, entry: Entry) -> None:
    """Add an entry. If there are `limit` entries already, remove the oldest one."""
    # Remove an entry of the same token first, so that the new entry is the newest.
    entries.pop(digest, None)
    if len(entries) >= limit:
        del entries[next(iter(entries))]
    entries[digest] = entry
