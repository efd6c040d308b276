"""Callers whose tokens were verified a moment ago: a player sends the same one with every report.

Checking a signature costs more than everything else about a save.
"""

from __future__ import annotations

import hashlib
import threading
import time

from resume_service.auth.identity import Identity

MAX_TOKENS = 65_536
"""About 25 MB in a process: twice the viewers that one core serves, who report every 5 s."""


class TokenCache:
    """Verified identities by their token, never past its `exp`, forgotten when the keys change.

    Tokens themselves are not kept, only their SHA-256.
    """

    def __init__(self, most: int = MAX_TOKENS) -> None:
        self._most = most
        self._known: dict[bytes, tuple[Identity, float, int]] = {}
        self._changing = threading.Lock()

    def get(self, token: str, generation: int) -> Identity | None:
        """The identity that `put` was given for `token`, while it holds under these keys."""
        known = self._known.get(_digest(token))
        if known is None:
            return None
        identity, expires, verified_under = known
        return identity if verified_under == generation and time.time() < expires else None

    def put(self, token: str, identity: Identity, expires: float, generation: int) -> None:
        """Remember until `expires` (seconds since 1970) who `token` names under these keys."""
        digest = _digest(token)
        with self._changing:
            self._known.pop(digest, None)  # one that is renewed is the last to go
            if len(self._known) >= self._most:
                del self._known[next(iter(self._known))]
            self._known[digest] = (identity, expires, generation)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
