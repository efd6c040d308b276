"""Passwords, hashed by argon2id. Hashing is slow on purpose, so it runs beside the greenlets.

The cost is OWASP's first choice (Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane): about 25 ms
and, with two hashes at a time, 38 MiB of a process.
"""

from __future__ import annotations

import functools
import secrets
import threading
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from gevent import monkey
from gevent.threadpool import ThreadPool

from resume_service.errors import Unavailable

Made = TypeVar("Made")

SHORTEST, LONGEST = 8, 128
"""Characters."""
MAX_HASHES = 2
"""Hashes of a process; others wait, and nobody else does."""

MAX_WAITING = 30
"""For about a third of a second; more are told to come again."""
_places = threading.BoundedSemaphore(MAX_HASHES + MAX_WAITING)

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def hash_password(password: str) -> str:
    return _in_thread_pool(lambda: _hasher.hash(password))


def matches(password_hash: str, password: str) -> bool:
    return _in_thread_pool(lambda: _verified(password_hash, password))


@functools.cache
def dummy_hash() -> str:
    """A hash of the same cost as any, which no password is known to match."""
    return hash_password(secrets.token_hex())


def _verified(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def _in_thread_pool(work: Callable[[], Made]) -> Made:
    """What `work` returns, made in a thread of its own where threads are greenlets.

    Raises Unavailable when too many wait already.
    """
    if not _places.acquire(blocking=False):
        raise Unavailable
    try:
        if not monkey.is_module_patched("threading"):
            return work()
        made: Made = _threads().apply(work)
        return made
    finally:
        _places.release()


@functools.cache
def _threads() -> ThreadPool:
    # Made on first use: a thread does not outlive the fork of a worker.
    return ThreadPool(MAX_HASHES)
