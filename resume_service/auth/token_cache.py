"""A cache of verified tokens. A player sends the same token with every report.

To check a signature costs more than the rest of a save.
"""

from __future__ import annotations

import hashlib
import threading
import time

from resume_service.auth.identity import Identity

MAX_TOKENS = 65_536
"""Maximum cached tokens, about 25 MB per process.

It is twice the number of viewers that one core serves, at a report every 5 s.
"""


class TokenCache:
    """Caches the identity of each verified token until its `exp`, or until the keys change.

    It stores the SHA-256 of a token, not the token.
    """

    def __init__(self, most: int = MAX_TOKENS) -> None:
        self._most = most
        self._known: dict[bytes, tuple[Identity, float, int]] = {}
        self._changing = threading.Lock()

    def get(self, token: str, generation: int) -> Identity | None:
        """Return the cached identity of `token`, or None if it expired or `generation` changed."""
        known = self._known.get(_digest(token))
        if known is None:
            return None
        identity, expires, key_generation = known
        return identity if key_generation == generation and time.time() < expires else None

    def put(self, token: str, identity: Identity, expires: float, generation: int) -> None:
        """Cache `identity` until `expires` (seconds since 1970), for this `generation` of keys."""
        digest = _digest(token)
        with self._changing:
            self._known.pop(
                digest, None
            )  # the oldest entry is evicted first: re-insert as the newest
            if len(self._known) >= self._most:
                del self._known[next(iter(self._known))]
            self._known[digest] = (identity, expires, generation)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
