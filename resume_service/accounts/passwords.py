"""Hashes passwords with argon2id.

Hashing is slow on purpose. It runs in threads, because in a greenlet it would block all requests.
The parameters are those of OWASP's Password Storage Cheat Sheet: 19 MiB of memory, 2 iterations,
parallelism 1. One hash takes about 25 ms. Two hashes at the same time use 38 MiB of memory.
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

MIN_LENGTH = 8
"""Minimum length of a password in characters."""
MAX_LENGTH = 128
"""Maximum length of a password in characters."""
MAX_HASHES = 2
"""Maximum number of hashes that a process computes at the same time.

Further hashes wait. Requests that need no hash do not wait.
"""
MAX_WAITING = 30
"""Maximum number of waiting hashes. The last of them waits about a third of a second.

If one more hash is needed, its request gets a 503.
"""
_slots = threading.BoundedSemaphore(MAX_HASHES + MAX_WAITING)

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def hash_password(password: str) -> str:
    return _in_thread_pool(lambda: _hasher.hash(password))


def matches(password_hash: str, password: str) -> bool:
    """Return whether `password`, a text of any length, is the password of this hash.

    The response time does not depend on the password, also if it is too short or too long.
    """
    return _in_thread_pool(lambda: _is_correct(password_hash, password))


@functools.cache
def dummy_hash() -> str:
    """Return the hash of a random password that is not stored.

    Checking a password with this hash takes as long as with the hash of a user.
    """
    return hash_password(secrets.token_hex())


def _is_correct(password_hash: str, password: str) -> bool:
    # Hash at most as many characters as a password can have. The time of a longer text is the same.
    hashed_part = password[:MAX_LENGTH].encode(errors="replace")
    try:
        matches_hash = _hasher.verify(password_hash, hashed_part)
    except (VerificationError, InvalidHashError):
        return False
    return matches_hash and hashed_part == password.encode(errors="surrogatepass")


def _in_thread_pool(work: Callable[[], Result]) -> Result:
    """Return the result of `work`. Under gevent, a thread of the pool runs `work`.

    Raises Unavailable if MAX_HASHES calls run and MAX_WAITING calls wait.
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
    # Created on first use, in the worker. A thread that starts before the fork is not in the worker.
    return ThreadPool(MAX_HASHES)
