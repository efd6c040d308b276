"""The entries of `FactsCache`: cached facts of videos, and how long they may be used. Does no I/O.

A ChangeListener calls the methods of ChangeHandler when a video has changed. Each time the listener
starts to listen, a new session begins. Between two sessions, a notification may be lost. So only the
entries of the current session are trusted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import NamedTuple

from resume_service.catalogue.facts import VideoFacts

MAX_VIDEOS = 10_000
"""Maximum number of entries of a process. Each entry needs a few hundred bytes."""
MAX_MISSING = 1_000
"""Maximum number of further entries, of videos that do not exist.

A viewer can save points of any ids, and list them. So these entries have a limit of their own, and
never displace an entry of a video.
"""
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


class CachedFacts(NamedTuple):
    facts: VideoFacts | None
    """None if the video does not exist."""
    session: int
    """Number of the session in which the query ran. The first session has number 1."""
    queried_at: float
    """Time at which the query started, from the clock of the cache."""


class QueryStart(NamedTuple):
    """What the entries of a query depend on, as it was when the query started."""

    event_count: int
    session: int
    at: float


class FactsEntries:
    """The entries of one process, and the events of its ChangeListener."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._cached: dict[int, CachedFacts] = {}
        self._missing: dict[int, CachedFacts] = {}
        """Entries of videos that do not exist."""
        self._event_count = 0
        """Number of changes other than stored results. Each may make a running query outdated."""
        self._session = 0
        self._lock = threading.Lock()
        """Must be acquired to change any of the attributes above."""
        self._confirmed_at = self._unreachable_at = self._read_at = float("-inf")

    def _usable(self, video_id: int, now: float) -> CachedFacts | None:
        """Return the entry of a video if it may be used without a query."""
        cached = self._entry(video_id)
        if cached is None:
            return None
        if self._is_unreachable(now):
            longest_age = LONGEST_SECONDS
        elif now < self._confirmed_at + TRUSTED_SECONDS and cached.session == self._session:
            longest_age = FRESH_SECONDS
        else:
            return None
        return cached if now - cached.queried_at < longest_age else None

    def _usable_without_postgres(self, video_id: int, now: float) -> CachedFacts | None:
        """Return the entry of a video if it may be used after a query has failed."""
        cached = self._entry(video_id)
        return cached if cached and now - cached.queried_at < LONGEST_SECONDS else None

    def _entry(self, video_id: int) -> CachedFacts | None:
        return self._cached.get(video_id) or self._missing.get(video_id)

    def _is_unreachable(self, now: float) -> bool:
        return now < self._unreachable_at + UNREACHABLE_SECONDS

    def _is_confirmed(self, now: float) -> bool:
        return now < self._confirmed_at + TRUSTED_SECONDS

    def _query_start(self) -> QueryStart:
        return QueryStart(self._event_count, self._session, self._clock())

    def _store(
        self, results: Mapping[int, VideoFacts | None], start: QueryStart
    ) -> dict[int, CachedFacts]:
        """Store and return the entries of a query that began at `start`."""
        entries = {
            video_id: CachedFacts(facts, start.session, start.at)
            for video_id, facts in results.items()
        }
        with self._lock:
            for video_id in entries:
                cached = self._entry(video_id)
                if cached and cached.queried_at <= start.at:
                    self._remove(video_id)
            if start.event_count != self._event_count:
                return entries  # outdated: a notification came during the query, and no later one follows
            for video_id, entry in entries.items():
                kept, most = (
                    (self._cached, MAX_VIDEOS) if entry.facts else (self._missing, MAX_MISSING)
                )
                self._remove(video_id)
                kept[video_id] = entry
                while len(kept) > most:
                    del kept[next(iter(kept))]
        return entries

    def _remove(self, video_id: int) -> None:
        self._cached.pop(video_id, None)
        self._missing.pop(video_id, None)

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
                self._missing.clear()
            else:
                self._remove(video_id)

    def on_added(self) -> None:
        with self._lock:
            self._event_count += 1
            self._missing.clear()

    def on_confirmed(self, at: float) -> None:
        self._confirmed_at, self._unreachable_at = at, float("-inf")

    def on_unreachable(self) -> None:
        self._unreachable_at = self._clock()

    def on_stopped(self) -> None:
        self._confirmed_at = float("-inf")
        self.on_change(None)
