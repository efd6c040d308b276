"""Tokens for requests to the service."""

from __future__ import annotations

import time
from typing import Any

import jwt

SECRET = "a secret of the tests, 32 bytes or more"


def token(user: str = "ann", *, secret: str = SECRET, **claims: Any) -> str:
    """A valid token for `user`. `claims` add or replace claims; None removes one."""
    given = {"sub": user, "exp": int(time.time()) + 3600} | claims
    return jwt.encode({k: v for k, v in given.items() if v is not None}, secret, "HS256")


def bearer(user: str = "ann", **claims: Any) -> dict[str, str]:
    """The Authorization header of a request by `user`."""
    return {"Authorization": f"Bearer {token(user, **claims)}"}
