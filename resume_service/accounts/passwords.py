"""Hashes passwords with argon2id. Hashing is slow on purpose, so threads do it, not greenlets.

The parameters are the first choice of OWASP's Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane.
A hash takes about 25 ms. Two hashes at a time take 38 MiB of a process.
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

Result = TypeVar("Result")

SHORTEST, LONGEST = 8, 128
"""Limits of a password, in characters."""
MAX_HASHES = 2
"""Hashes that a process computes at the same time. Further hashes wait; other requests do not."""
MAX_WAITING = 30
"""Hashes that may wait, for about a third of a second. Any more fail with a 503."""
_slots = threading.BoundedSemaphore(MAX_HASHES + MAX_WAITING)

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def hash_password(password: str) -> str:
    return _in_thread_pool(lambda: _hasher.hash(password))


def matches(password_hash: str, password: str) -> bool:
    return _in_thread_pool(lambda: _verified(password_hash, password))


@functools.cache
def dummy_hash() -> str:
    """A hash with the usual cost. No known password matches it."""
    return hash_password(secrets.token_hex())


def _verified(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def _in_thread_pool(work: Callable[[], Result]) -> Result:
    """Return the result of `work`. Under gevent, a thread of the pool runs it.

    Raises Unavailable when too many calls wait already.
    """
    if not _slots.acquire(blocking=False):
        raise Unavailable
    try:
        if not monkey.is_module_patched("threading"):
            return work()
        result: Result = _thread_pool().apply(work)
        return result
    finally:
        _slots.release()


@functools.cache
def _thread_pool() -> ThreadPool:
    # Created on first use: threads do not survive the fork of a worker.
    return ThreadPool(MAX_HASHES)
