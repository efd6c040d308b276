"""What is known of videos, remembered for as long as every change is heard of: docs/adr/0031."""

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
"""Videos remembered by a process, a few hundred bytes each."""
TRUSTED_SECONDS = 1.2
"""After the last moment of which we know that no change was missed."""
FRESH_SECONDS = 60.0
"""After which even what is trusted is asked anew."""
LONGEST_SECONDS = 3600.0
"""For which a Postgres that is out of reach is taken to stand still."""
UNREACHABLE_SECONDS = 1.5
"""For which one failure tells that nobody need ask: it is tried again sooner."""
IDLE_SECONDS = 60.0
"""Without a question, after which the process listens no more and forgets."""


class _CachedFacts(NamedTuple):
    facts: VideoFacts
    session: int
    """While which was listened."""
    asked_at: float
    """By the clock, as all times here."""


_caches: weakref.WeakSet[FactsCache] = weakref.WeakSet()


class FactsCache:
    """The facts of `source`, at most about a second behind what is committed.

    While Postgres is out of reach, what was known before goes on being said.
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
        """Know nothing, and be in nobody's midst: a forked process has none of our threads."""
        self._changes = ChangeListener(self._database, self, self._clock)
        self._cached: dict[int, _CachedFacts] = {}
        self._queries: dict[int, Future[VideoFacts]] = {}
        self._news = 0
        """How often something was heard that may make an answer under way outdated."""
        self._session = 0
        self._state = threading.Lock()
        """Guards the four above."""
        self._confirmed_at = self._unreachable_at = self._wanted_at = float("-inf")

    def facts(self, video_id: int) -> VideoFacts:
        """Raises NotFound when there is no such video, and Unavailable."""
        now = self._wanted_at = self._clock()
        is_heard = now < self._confirmed_at + TRUSTED_SECONDS
        kept = self._cached.get(video_id)
        if kept:
            age = now - kept.asked_at
            if is_heard and kept.session == self._session and age < FRESH_SECONDS:
                return kept.facts
            if now < self._unreachable_at + UNREACHABLE_SECONDS and age < LONGEST_SECONDS:
                return kept.facts
        if not is_heard:
            self._changes.listen()
        try:
            return self._asked(video_id)
        except Unavailable:
            # Another may have been told more meanwhile, or that it has changed.
            kept = self._cached.get(video_id)
            if kept and now - kept.asked_at < LONGEST_SECONDS:
                return kept.facts
            raise

    def close(self) -> None:
        self._changes.close()

    def _asked(self, video_id: int) -> VideoFacts:
        """What the source says, asked once for all who want to know it at the same time."""
        with self._state:
            asking = self._queries.get(video_id)
            is_mine = asking is None
            if asking is None:
                asking = self._queries[video_id] = Future()
        if is_mine:
            self._ask(video_id, asking)
        return asking.result()

    def _ask(self, video_id: int, asking: Future[VideoFacts]) -> None:
        news, now = self._news, self._clock()
        try:
            facts = self._source.facts(video_id)
            self._keep(video_id, _CachedFacts(facts, self._session, now), news)
            asking.set_result(facts)
        except NotFound as fault:
            self.on_change(video_id)
            asking.set_exception(fault)
        except Exception as fault:  # noqa: BLE001 - not swallowed: raised to all who asked
            asking.set_exception(fault)
        except BaseException:  # this caller is killed, the others are not
            asking.set_exception(Unavailable())
            raise
        finally:
            with self._state:
                del self._queries[video_id]

    def _keep(self, video_id: int, kept: _CachedFacts, news: int) -> None:
        with self._state:
            if news != self._news:
                return  # it may have been read before what was told, which won't be told again
            self._cached.pop(video_id, None)
            if not kept.facts.is_offered:
                return  # whoever publishes it may want to see it at once
            while len(self._cached) >= MAX_VIDEOS:
                del self._cached[next(iter(self._cached))]
            self._cached[video_id] = kept

    # What Changes tells:

    def should_listen(self) -> bool:
        return self._clock() < self._wanted_at + IDLE_SECONDS

    def on_listening(self) -> None:
        with self._state:
            self._news += 1
            self._session += 1

    def on_change(self, video_id: int | None) -> None:
        with self._state:
            self._news += 1
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
    for memory in tuple(_caches):
        memory.reset_after_fork()


os.register_at_fork(after_in_child=_reset_all_after_fork)
