"""The cache of video facts. `test_change_listener.py` tests the listener that invalidates it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import psycopg
import pytest

from resume_service.catalogue import facts_entries
from resume_service.catalogue.facts import FactsQuery, VideoFacts
from resume_service.catalogue.facts_cache import FactsCache
from resume_service.catalogue.facts_entries import (
    FRESH_SECONDS,
    IDLE_SECONDS,
    LONGEST_SECONDS,
    TRUSTED_SECONDS,
    UNREACHABLE_SECONDS,
)
from resume_service.errors import NotFound, Unavailable
from resume_service.postgres.database import CONNECTIONS, WAIT_SECONDS
from resume_service.resume.video_access import VideoKind
from tests.support.catalogue_rows import Catalogue
from tests.support.eventually import eventually
from tests.support.long_timeouts import long_timeout_database


class Source:
    """A source of facts that records its queries."""

    def __init__(self) -> None:
        self.videos = {number: facts_of(number) for number in range(1, 4)}
        self.queries = []
        self.is_down = False
        self.during_query = lambda: None

    def facts(self, video_id):
        self.queries.append(video_id)
        if self.is_down:
            raise Unavailable
        if video_id not in self.videos:
            raise NotFound
        read = self.videos[video_id]
        self.during_query()
        return read

    def facts_of(self, video_ids):
        self.queries.append(tuple(video_ids))
        if self.is_down:
            raise Unavailable
        read = {each: self.videos[each] for each in video_ids if each in self.videos}
        self.during_query()
        return read


class FakeListener:
    """A listener that only counts its starts. The test calls its handler."""

    def __init__(self) -> None:
        self.starts = 0

    def listen(self) -> None:
        self.starts += 1


def facts_of(number, duration=100.0):
    return VideoFacts(number, VideoKind.VIDEO, None, duration, is_offered=True)


class FakeClockCache(FactsCache):
    """A cache with a fake source and a fake listener, at a time that the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.source = Source()
        super().__init__(self.source, database=None, clock=lambda: self.now)
        self.listener = self._listener = FakeListener()

    def read(self, video_id=1):
        return self.facts(video_id)

    def start_listening(self) -> None:
        self.on_listening()
        self.on_confirmed(self.now)

    def advance(self, seconds: float, *, confirmed: bool = False) -> None:
        self.now += seconds
        if confirmed:
            self.on_confirmed(self.now)


@pytest.fixture
def cache():
    return FakeClockCache()


def test_with_a_listener_a_video_is_queried_once(cache):
    cache.start_listening()
    for _ in range(5):
        assert cache.read() == facts_of(1)
        cache.advance(1, confirmed=True)

    assert cache.source.queries == [1]
    assert cache.listener.starts == 0


def test_without_a_listener_each_read_queries_postgres_and_starts_one(cache):
    cache.read()
    cache.read()
    assert cache.source.queries == [1, 1]
    assert cache.listener.starts == 2

    cache.start_listening()
    cache.read()
    cache.advance(TRUSTED_SECONDS)
    cache.read()
    assert cache.source.queries == [1, 1, 1, 1]


def test_a_change_invalidates_only_its_video(cache):
    cache.start_listening()
    cache.read(1)
    cache.read(2)
    cache.source.videos[1] = facts_of(1, duration=7)
    cache.on_change(1)

    assert cache.read(1).duration == 7
    cache.read(2)
    assert cache.source.queries == [1, 2, 1]


def test_a_change_of_any_video_invalidates_all(cache):
    cache.start_listening()
    cache.read(1)
    cache.read(2)
    cache.on_change(None)
    cache.read(1)
    cache.read(2)

    assert cache.source.queries == [1, 2, 1, 2]


def test_a_query_older_than_a_change_is_not_cached(cache):
    """The notification arrives only once. Old facts in the cache would stay until they expire."""
    cache.start_listening()

    def change():
        cache.source.videos[1] = facts_of(1, duration=7)
        cache.on_change(1)

    cache.source.during_query = change
    cache.read()
    cache.source.during_query = lambda: None

    assert cache.read().duration == 7


def test_a_query_older_than_the_listener_is_not_cached(cache):
    cache.source.during_query = cache.start_listening
    cache.read()
    cache.source.during_query = lambda: None
    cache.read()
    cache.read()

    assert cache.source.queries == [1, 1]


def test_a_restart_of_the_listener_invalidates_all(cache):
    cache.start_listening()
    cache.read()
    cache.start_listening()
    cache.read()

    assert cache.source.queries == [1, 1]


def test_an_unchanged_entry_expires_after_its_maximum_age(cache):
    cache.start_listening()
    cache.read()
    cache.advance(FRESH_SECONDS, confirmed=True)
    cache.read()

    assert cache.source.queries == [1, 1]


def test_an_unknown_video_is_not_cached(cache):
    cache.start_listening()
    for _ in range(2):
        with pytest.raises(NotFound):
            cache.read(99)
    cache.source.videos[99] = facts_of(99)

    assert cache.read(99) == facts_of(99)


def test_a_video_that_is_not_offered_is_not_cached(cache):
    """So its publication is visible at once, before the notification arrives."""
    cache.start_listening()
    offered = cache.source.videos[1]
    cache.source.videos[1] = offered._replace(is_offered=False)
    assert not cache.read().is_offered
    cache.source.videos[1] = offered

    assert cache.read().is_offered


def test_a_video_that_is_no_longer_found_is_removed_from_the_cache(cache):
    cache.start_listening()
    cache.read()
    del cache.source.videos[1]
    cache.advance(FRESH_SECONDS, confirmed=True)
    with pytest.raises(NotFound):
        cache.read()
    cache.source.is_down = True

    with pytest.raises(Unavailable):
        cache.read()


def test_while_postgres_is_unreachable_cached_facts_are_returned_without_a_query(cache):
    cache.start_listening()
    cache.read()
    cache.source.is_down = True
    for _ in range(100):
        cache.on_unreachable()
        cache.advance(UNREACHABLE_SECONDS - 0.1)
        assert cache.read() == facts_of(1)
    assert cache.source.queries == [1]

    with pytest.raises(Unavailable):
        cache.read(2)


def test_if_the_query_fails_the_cached_facts_are_returned(cache):
    cache.start_listening()
    cache.read()
    cache.source.is_down = True
    cache.advance(TRUSTED_SECONDS)

    assert cache.read() == facts_of(1)
    assert cache.source.queries == [1, 1]


def test_if_the_query_fails_facts_cached_by_a_concurrent_read_are_returned(cache):
    """The start of a listener switches to other greenlets. Their reads may succeed first."""

    def read_concurrently():
        cache.listener.listen = lambda: None
        cache.source.videos[1] = facts_of(1, duration=7)
        cache.read()
        cache.source.is_down = True

    cache.start_listening()
    cache.read()
    cache.advance(TRUSTED_SECONDS)
    cache.listener.listen = read_concurrently

    assert cache.read().duration == 7


def test_if_the_query_fails_facts_that_changed_during_it_are_not_returned(cache):
    def change_and_fail(video_id):
        cache.on_change(video_id)
        raise Unavailable

    cache.start_listening()
    cache.read()
    cache.advance(TRUSTED_SECONDS)
    cache.source.facts = change_and_fail

    with pytest.raises(Unavailable):
        cache.read()


def test_cached_facts_are_returned_when_every_pooled_connection_is_in_use(emptied_database):
    """On a busy machine the listener's confirmation is late. Then all reads query at once."""
    numbers = range(1, CONNECTIONS + 5)
    with psycopg.connect(emptied_database) as sql:
        for number in numbers:
            Catalogue(sql).add_video(number)
    with closing(long_timeout_database(emptied_database)) as postgres:
        cache = FactsCache(FactsQuery(postgres), postgres)
        cache._listener = FakeListener()
        known = [cache.facts(number) for number in numbers]
        with ExitStack() as taken, ThreadPoolExecutor(len(numbers)) as threads:
            for _ in range(CONNECTIONS):
                taken.enter_context(postgres.transaction())
            postgres._engine.pool._timeout = WAIT_SECONDS
            with pytest.raises(Unavailable):
                cache.facts(numbers[-1] + 1)
            read = list(threads.map(cache.facts, numbers))

    assert read == known


def test_while_postgres_is_unreachable_cached_facts_expire_after_an_hour(cache):
    cache.start_listening()
    cache.read()
    cache.source.is_down = True
    cache.advance(LONGEST_SECONDS - 1)
    cache.on_unreachable()
    assert cache.read() == facts_of(1)
    cache.advance(1)
    cache.on_unreachable()

    with pytest.raises(Unavailable):
        cache.read()


def test_after_an_outage_postgres_is_queried_again(cache):
    cache.start_listening()
    cache.read()
    cache.on_unreachable()
    cache.advance(5)
    cache.start_listening()
    cache.read()

    assert cache.source.queries == [1, 1]


def test_facts_that_changed_just_before_an_outage_are_not_returned(cache):
    cache.start_listening()
    cache.read()
    cache.on_change(1)
    cache.source.is_down = True
    cache.on_unreachable()

    with pytest.raises(Unavailable):
        cache.read()


def test_a_full_cache_drops_the_oldest_entry(cache, monkeypatch):
    monkeypatch.setattr(facts_entries, "MAX_VIDEOS", 2)
    cache.start_listening()
    for video in (1, 2, 3, 3, 2, 1):
        cache.read(video)

    assert cache.source.queries == [1, 2, 3, 1]
    assert len(cache._cached) == 2


def test_missing_videos_never_displace_entries_of_videos(cache, monkeypatch):
    """Otherwise a viewer could empty the cache with points of ids that do not exist."""
    monkeypatch.setattr(facts_entries, "MAX_VIDEOS", 2)
    monkeypatch.setattr(facts_entries, "MAX_MISSING", 2)
    cache.start_listening()
    cache.facts_of([1, 2])
    cache.facts_of([97, 98, 99])

    assert cache.cached_facts_of([1, 2]) == {1: facts_of(1), 2: facts_of(2)}
    assert cache.cached_facts_of([98, 99]) == {}
    assert cache.cached_facts_of([97]) is None


def test_a_missing_video_that_is_published_replaces_its_entry(cache):
    cache.start_listening()
    cache.facts_of([99])
    cache.source.videos[99] = facts_of(99)
    cache.read(99)

    assert cache.cached_facts_of([99]) == {99: facts_of(99)}


def test_without_reads_the_listener_stops_until_the_next_read(cache):
    cache.start_listening()
    cache.read()
    assert cache.should_listen()
    cache.advance(IDLE_SECONDS, confirmed=True)
    assert not cache.should_listen()

    cache.on_stopped()
    cache.read()
    assert cache.source.queries == [1, 1]
    assert cache.listener.starts == 1


def test_one_query_reads_all_videos_that_are_not_cached(cache):
    cache.start_listening()
    cache.read(1)
    assert cache.cached_facts_of([1, 2]) is None

    assert cache.facts_of([1, 2, 3]) == {each: facts_of(each) for each in (1, 2, 3)}
    assert cache.facts_of([3, 2, 1]).keys() == {1, 2, 3}
    assert cache.cached_facts_of([2]) == {2: facts_of(2)}
    assert cache.source.queries == [1, (2, 3)]


def test_a_read_of_many_videos_also_caches_missing_and_unpublished_ones(cache):
    """Otherwise each list of a viewer with such a point would query Postgres."""
    cache.start_listening()
    hidden = cache.source.videos[2] = facts_of(2)._replace(is_offered=False)
    for _ in range(3):
        assert cache.facts_of([1, 2, 99]) == {1: facts_of(1), 2: hidden}

    assert cache.source.queries == [(1, 2, 99)]


def test_an_added_video_invalidates_only_the_entries_of_missing_videos(cache):
    cache.start_listening()
    cache.facts_of([1, 99])
    cache.source.videos[99] = facts_of(99)
    cache.on_added()

    assert cache.facts_of([1, 99]).keys() == {1, 99}
    assert cache.source.queries == [(1, 99), (99,)]


def test_many_facts_older_than_a_change_are_not_cached(cache):
    cache.start_listening()
    cache.source.during_query = lambda: cache.on_change(1)
    cache.facts_of([1, 2])
    cache.source.during_query = lambda: None
    cache.facts_of([1, 2])
    cache.facts_of([1, 2])

    assert cache.source.queries == [(1, 2), (1, 2)]


def test_after_a_failed_query_a_list_has_only_the_cached_videos(cache):
    cache.start_listening()
    cache.read(1)
    cache.source.is_down = True
    cache.advance(TRUSTED_SECONDS)
    with pytest.raises(Unavailable):
        cache.facts_of([1, 2])

    assert cache.facts_without_postgres([1, 2]) == {1: facts_of(1)}
    assert cache.source.queries == [1, (1, 2)]


def test_a_list_does_not_query_a_postgres_that_is_known_to_be_unreachable(cache):
    cache.start_listening()
    cache.read(1)
    cache.on_unreachable()
    assert cache.facts_of([1]) == {1: facts_of(1)}
    with pytest.raises(Unavailable):
        cache.facts_of([1, 2])

    assert cache.source.queries == [1]


@pytest.mark.parametrize("is_down", [False, True])
def test_concurrent_reads_of_a_video_share_one_query_and_its_result(cache, is_down):
    """Otherwise a start under load would send hundreds of queries for the same few videos."""
    may_continue, query = threading.Event(), cache.source.facts

    def query_slowly(video_id):
        may_continue.wait(20)
        return query(video_id)

    def read(_):
        try:
            return cache.read()
        except Unavailable:
            return "unavailable"

    cache.source.facts, cache.source.is_down = query_slowly, is_down
    with ThreadPoolExecutor(8) as threads:
        results = threads.map(read, range(8))
        eventually(lambda: number_waiting_for(cache._queries) == 7)
        may_continue.set()
        distinct = set(results)

    assert distinct == {"unavailable" if is_down else facts_of(1)}
    assert len(cache.source.queries) == 1
    assert cache._queries == {}


def number_waiting_for(queries):
    """The number of threads that wait for the result of another thread's query."""
    return sum(len(result._condition._waiters) for result in list(queries.values()))
