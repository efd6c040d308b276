"""Caches facts of videos in each process: see docs/adr/0031.

A ChangeListener notifies the cache when a video has changed. Each time the listener starts to listen,
a new session begins. Between two sessions, a notification may be lost. So the cache trusts only the
entries of the current session.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple

from resume_service.catalogue.change_listener import ChangeListener
from resume_service.catalogue.facts import FactsSource, VideoFacts
from resume_service.errors import NotFound, Unavailable
from resume_service.postgres.database import Database

MAX_VIDEOS = 10_000
"""Maximum number of videos in the cache of a process. Each entry needs a few hundred bytes."""
TRUSTED_SECONDS = 1.2
"""Seconds that entries may be used after the last confirmation of the listener.

A confirmation (`on_confirmed(at)`) means that the listener has received the notifications of all
changes that were committed before `at`.
"""
FRESH_SECONDS = 60.0
"""Maximum age in seconds of an entry that is used while Postgres is reachable."""
LONGEST_SECONDS = 3600.0
"""Maximum age in seconds of an entry that is used while Postgres is unreachable."""
UNREACHABLE_SECONDS = 1.5
"""Seconds after `on_unreachable` in which cached facts are returned without a query.

The listener retries before these seconds have passed. If Postgres is still unreachable, the listener
calls `on_unreachable` again.
"""
IDLE_SECONDS = 60.0
"""Seconds after the last read of the cache until the listener stops and the cache is emptied."""


class _CachedFacts(NamedTuple):
    facts: VideoFacts
    session: int
    """Number of the session in which the query ran. The first session has number 1."""
    queried_at: float
    """Time at which the query started, from the clock of the cache."""


_caches: weakref.WeakSet[FactsCache] = weakref.WeakSet()


class FactsCache:
    """Caches the facts of `source`.

    While Postgres is reachable, a cached fact is at most about one second out of date. While Postgres
    is unreachable, the cache returns facts that are at most LONGEST_SECONDS old.
    """

    def __init__(
        self,
        source: FactsSource,
        database: Database,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._database = database
        self._clock = clock
        self.reset_after_fork()
        _caches.add(self)

    def reset_after_fork(self) -> None:
        """Reset the cache after a fork. The child process has none of the parent's threads."""
        self._listener = ChangeListener(self._database, self, self._clock)
        self._cached: dict[int, _CachedFacts] = {}
        self._queries: dict[int, Future[VideoFacts]] = {}
        self._event_count = 0
        """Number of changes other than stored results. Each may make a running query outdated."""
        self._session = 0
        self._lock = threading.Lock()
        """Must be acquired to change `_cached`, `_queries`, `_event_count` or `_session`."""
        self._confirmed_at = self._unreachable_at = self._read_at = float("-inf")

    def facts(self, video_id: int) -> VideoFacts:
        """Return the facts of a video.

        Raises NotFound if the video never existed. Raises Unavailable if the query fails and no usable
        entry is cached.
        """
        if facts := self.cached_facts(video_id):
            return facts
        now = self._read_at
        if now >= self._confirmed_at + TRUSTED_SECONDS:
            self._listener.listen()
        try:
            return self._query_once(video_id)
        except Unavailable:
            # Read the cache again: the entry may have been stored or removed during the query.
            cached = self._cached.get(video_id)
            if cached and now - cached.queried_at < LONGEST_SECONDS:
                return cached.facts
            raise

    def cached_facts(self, video_id: int) -> VideoFacts | None:
        """Return the facts of a video without a query, or None if a query is necessary."""
        now = self._read_at = self._clock()
        cached = self._cached.get(video_id)
        if cached is None:
            return None
        if now < self._unreachable_at + UNREACHABLE_SECONDS:
            longest_age = LONGEST_SECONDS
        elif now < self._confirmed_at + TRUSTED_SECONDS and cached.session == self._session:
            longest_age = FRESH_SECONDS
        else:
            return None
        return cached.facts if now - cached.queried_at < longest_age else None

    def close(self) -> None:
        self._listener.close()

    def _query_once(self, video_id: int) -> VideoFacts:
        """Query the source. Concurrent calls for one video share one query."""
        with self._lock:
            pending = self._queries.get(video_id)
            is_first = pending is None
            if pending is None:
                pending = self._queries[video_id] = Future()
        if is_first:
            self._query(video_id, pending)
        return pending.result()

    def _query(self, video_id: int, pending: Future[VideoFacts]) -> None:
        """Query the source. Give the result or the error to all callers that wait for `pending`."""
        event_count, now = self._event_count, self._clock()
        try:
            facts = self._source.facts(video_id)
            self._store(video_id, _CachedFacts(facts, self._session, now), event_count)
            pending.set_result(facts)
        except NotFound as fault:
            self.on_change(video_id)
            pending.set_exception(fault)
        except Exception as fault:  # noqa: BLE001 - each waiting caller raises this exception
            pending.set_exception(fault)
        except BaseException:  # this greenlet was killed, but the waiting callers were not
            pending.set_exception(Unavailable())
            raise
        finally:
            with self._lock:
                del self._queries[video_id]

    def _store(self, video_id: int, entry: _CachedFacts, event_count: int) -> None:
        with self._lock:
            if event_count != self._event_count:
                return  # outdated: a notification came during the query, and no later one follows
            self._cached.pop(video_id, None)
            if not entry.facts.is_offered:
                return  # not cached, so that the video is visible as soon as it is published
            while len(self._cached) >= MAX_VIDEOS:
                del self._cached[next(iter(self._cached))]
            self._cached[video_id] = entry

    # The listener calls these methods of ChangeHandler:

    def should_listen(self) -> bool:
        return self._clock() < self._read_at + IDLE_SECONDS

    def on_listening(self) -> None:
        with self._lock:
            self._event_count += 1
            self._session += 1

    def on_change(self, video_id: int | None) -> None:
        with self._lock:
            self._event_count += 1
            if video_id is None:
                self._cached.clear()
            else:
                self._cached.pop(video_id, None)

    def on_confirmed(self, at: float) -> None:
        self._confirmed_at, self._unreachable_at = at, float("-inf")

    def on_unreachable(self) -> None:
        self._unreachable_at = self._clock()

    def on_stopped(self) -> None:
        self._confirmed_at = float("-inf")
        self.on_change(None)


def _reset_all_after_fork() -> None:
    for cache in tuple(_caches):
        cache.reset_after_fork()


os.register_at_fork(after_in_child=_reset_all_after_fork)
