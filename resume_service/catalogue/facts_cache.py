"""Caches facts of videos in each process: see docs/adr/0031 and docs/adr/0085."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future
from typing import TypeGuard

from resume_service.catalogue.change_listener import ChangeListener
from resume_service.catalogue.facts import FactsSource, VideoFacts
from resume_service.catalogue.facts_entries import CachedFacts, FactsEntries
from resume_service.errors import NotFound, Unavailable
from resume_service.postgres.database import Database

_caches: weakref.WeakSet[FactsCache] = weakref.WeakSet()


class FactsCache(FactsEntries):
    """Caches the facts of `source`.

    While Postgres is reachable, a cached fact is at most about one second out of date. While Postgres
    is unreachable, the cache returns facts that are at most LONGEST_SECONDS old.

    A read of one video uses no entry of a missing or unpublished video. So a video is visible as soon
    as it is published. A read of many videos, for a list, uses such entries.
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
        super().__init__(self._clock)
        self._listener = ChangeListener(self._database, self, self._clock)
        self._queries: dict[int, Future[VideoFacts]] = {}
        self._queries_lock = threading.Lock()

    def facts(self, video_id: int) -> VideoFacts:
        """Return the facts of a video.

        Raises NotFound if the video never existed. Raises Unavailable if the query fails and no usable
        entry is cached.
        """
        if facts := self.cached_facts(video_id):
            return facts
        now = self._read_at
        if not self._is_confirmed(now):
            self._listener.listen()
        try:
            return self._query_once(video_id)
        except Unavailable:
            # Read the cache again: the entry may have been stored or removed during the query.
            cached = self._usable_without_postgres(video_id, now)
            if cached and _is_offered(cached.facts):
                return cached.facts
            raise

    def cached_facts(self, video_id: int) -> VideoFacts | None:
        """Return the facts of an offered video without a query, or None if a query is necessary."""
        now = self._read_at = self._clock()
        cached = self._usable(video_id, now)
        return cached.facts if cached and _is_offered(cached.facts) else None

    def facts_of(self, video_ids: Collection[int]) -> dict[int, VideoFacts]:
        """Return the facts of those videos that exist, with one query at most.

        Raises Unavailable if a query is necessary and fails, or if Postgres is known to be unreachable.
        """
        now = self._read_at = self._clock()
        entries = {each: entry for each in video_ids if (entry := self._usable(each, now))}
        missing = [each for each in video_ids if each not in entries]
        if missing:
            if self._is_unreachable(now):
                raise Unavailable
            if not self._is_confirmed(now):
                self._listener.listen()
            entries |= self._query_many(missing)
        return {each: entry.facts for each, entry in entries.items() if entry.facts}

    def facts_without_postgres(self, video_ids: Iterable[int]) -> dict[int, VideoFacts]:
        """Return the facts that may be used after `facts_of` has raised Unavailable."""
        now = self._clock()
        entries = ((each, self._usable_without_postgres(each, now)) for each in video_ids)
        return {each: entry.facts for each, entry in entries if entry and entry.facts}

    def cached_facts_of(self, video_ids: Iterable[int]) -> dict[int, VideoFacts] | None:
        """Return the facts of those videos that exist, or None if a query is necessary."""
        now = self._read_at = self._clock()
        found = {}
        for video_id in video_ids:
            cached = self._usable(video_id, now)
            if cached is None:
                return None
            if cached.facts is not None:
                found[video_id] = cached.facts
        return found

    def close(self) -> None:
        self._listener.close()

    def _query_many(self, video_ids: Collection[int]) -> dict[int, CachedFacts]:
        """Query the source. Return the entries, and store them."""
        start = self._query_start()
        found = self._source.facts_of(video_ids)
        return self._store({each: found.get(each) for each in video_ids}, start)

    def _query_once(self, video_id: int) -> VideoFacts:
        """Query the source. Concurrent calls for one video share one query."""
        with self._queries_lock:
            pending = self._queries.get(video_id)
            is_first = pending is None
            if pending is None:
                pending = self._queries[video_id] = Future()
        if is_first:
            self._query(video_id, pending)
        return pending.result()

    def _query(self, video_id: int, pending: Future[VideoFacts]) -> None:
        """Query the source. Give the result or the error to all callers that wait for `pending`."""
        start = self._query_start()
        try:
            facts = self._source.facts(video_id)
            self._store({video_id: facts}, start)
            pending.set_result(facts)
        except NotFound as fault:
            self._store({video_id: None}, start)
            pending.set_exception(fault)
        except Exception as fault:  # noqa: BLE001 - each waiting caller raises this exception
            pending.set_exception(fault)
        except BaseException:  # this greenlet was killed, but the waiting callers were not
            pending.set_exception(Unavailable())
            raise
        finally:
            with self._queries_lock:
                del self._queries[video_id]


def _is_offered(facts: VideoFacts | None) -> TypeGuard[VideoFacts]:
    return facts is not None and facts.is_offered


def _reset_all_after_fork() -> None:
    for cache in tuple(_caches):
        cache.reset_after_fork()


os.register_at_fork(after_in_child=_reset_all_after_fork)
