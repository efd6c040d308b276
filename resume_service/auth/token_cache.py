"""A cache of verified tokens, so that the service does not check the same signature again.

A player sends the same token with each save. The check of the signature takes longer than all other
steps of a save.
"""

from __future__ import annotations

import hashlib
import threading
import time

from resume_service.auth.identity import Identity

MAX_TOKENS = 65_536
"""Maximum number of cached tokens. They need about 25 MB per process.

One core serves half this number of players, if each player sends a save every 5 s.
"""


class TokenCache:
    """Caches the identity of each verified token until its `exp`, or until the keys change.

    `generation` is a number that increases whenever the issuer's keys change. The cache contains
    the SHA-256 of each token, not the token itself.
    """

    def __init__(self, max_tokens: int = MAX_TOKENS) -> None:
        self._max_tokens = max_tokens
        self._entries: dict[bytes, tuple[Identity, float, int]] = {}
        self._changing = threading.Lock()

    def get(self, token: str, generation: int) -> Identity | None:
        """Return the cached identity of `token`.

        Return None if `token` is not cached, has expired, or was verified in another generation.
        """
        entry = self._entries.get(_digest(token))
        if entry is None:
            return None
        identity, expires, key_generation = entry
        return identity if key_generation == generation and time.time() < expires else None

    def put(self, token: str, identity: Identity, expires: float, generation: int) -> None:
        """Cache `identity` until `expires` (in seconds since 1970) for this `generation`."""
        digest = _digest(token)
        with self._changing:
            # Remove an entry of the same token first, so that the new entry is the newest. The
            # oldest entry is evicted when the cache is full.
            self._entries.pop(digest, None)
            if len(self._entries) >= self._max_tokens:
                del self._entries[next(iter(self._entries))]
            self._entries[digest] = (identity, expires, generation)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
