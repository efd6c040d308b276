"""What is remembered of videos, until somebody tells otherwise. The telling is test_changes.py's."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import psycopg
import pytest

from resume_service.catalogue import facts_cache
from resume_service.catalogue.facts import FactsQuery, VideoFacts
from resume_service.catalogue.facts_cache import (
    FRESH_SECONDS,
    IDLE_SECONDS,
    LONGEST_SECONDS,
    TRUSTED_SECONDS,
    UNREACHABLE_SECONDS,
    FactsCache,
)
from resume_service.errors import NotFound, Unavailable
from resume_service.postgres.database import CONNECTIONS, WAIT_SECONDS
from resume_service.resume.video_access import VideoKind
from tests.support.catalogue_rows import Catalogue
from tests.support.eventually import eventually
from tests.support.long_timeouts import long_timeout_database


class Source:
    """A catalogue, and how often it was asked."""

    def __init__(self) -> None:
        self.videos = {number: facts_of(number) for number in range(1, 4)}
        self.asked = []
        self.is_down = False
        self.meanwhile = lambda: None

    def facts(self, video_id):
        self.asked.append(video_id)
        if self.is_down:
            raise Unavailable
        if video_id not in self.videos:
            raise NotFound
        read = self.videos[video_id]
        self.meanwhile()
        return read


class Silent:
    """Stands for the listener, whose words are the test's."""

    def __init__(self) -> None:
        self.starts = 0

    def listen(self) -> None:
        self.starts += 1


def facts_of(number, duration=100.0):
    return VideoFacts(number, VideoKind.VIDEO, None, duration, is_offered=True)


class Stand:
    """A memory of a source, at a time that the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.source = Source()
        self.memory = FactsCache(self.source, database=None, clock=lambda: self.now)
        self.listener = self.memory._changes = Silent()

    def ask(self, video_id=1):
        return self.memory.facts(video_id)

    def hear(self) -> None:
        """Begin to listen, with nothing missed until now."""
        self.memory.on_listening()
        self.memory.on_confirmed(self.now)

    def wait(self, seconds: float, *, heard: bool = False) -> None:
        self.now += seconds
        if heard:
            self.memory.on_confirmed(self.now)


@pytest.fixture
def stand():
    return Stand()


def test_while_changes_are_heard_a_video_is_asked_for_once(stand):
    stand.hear()
    for _ in range(5):
        assert stand.ask() == facts_of(1)
        stand.wait(1, heard=True)

    assert stand.source.asked == [1]
    assert stand.listener.starts == 0


def test_while_they_are_not_heard_it_is_asked_for_each_time_and_somebody_sent_to_listen(stand):
    stand.ask()
    stand.ask()
    assert stand.source.asked == [1, 1]
    assert stand.listener.starts == 2

    stand.hear()
    stand.ask()
    stand.wait(TRUSTED_SECONDS)
    stand.ask()
    assert stand.source.asked == [1, 1, 1, 1]


def test_a_change_is_believed_at_once(stand):
    stand.hear()
    stand.ask(1)
    stand.ask(2)
    stand.source.videos[1] = facts_of(1, duration=7)
    stand.memory.on_change(1)

    assert stand.ask(1).duration == 7
    stand.ask(2)
    assert stand.source.asked == [1, 2, 1]


def test_a_change_of_any_video_makes_all_be_asked_for_again(stand):
    stand.hear()
    stand.ask(1)
    stand.ask(2)
    stand.memory.on_change(None)
    stand.ask(1)
    stand.ask(2)

    assert stand.source.asked == [1, 2, 1, 2]


def test_what_was_read_before_a_change_is_not_remembered_after_it(stand):
    """The change is told once: remembered here, the old facts would be said until they are stale."""
    stand.hear()

    def change():
        stand.source.videos[1] = facts_of(1, duration=7)
        stand.memory.on_change(1)

    stand.source.meanwhile = change
    stand.ask()
    stand.source.meanwhile = lambda: None

    assert stand.ask().duration == 7


def test_what_was_read_before_listening_began_is_asked_for_again(stand):
    stand.source.meanwhile = stand.hear
    stand.ask()
    stand.source.meanwhile = lambda: None
    stand.ask()
    stand.ask()

    assert stand.source.asked == [1, 1]


def test_after_a_gap_in_listening_all_is_asked_for_again(stand):
    stand.hear()
    stand.ask()
    stand.hear()
    stand.ask()

    assert stand.source.asked == [1, 1]


def test_even_what_nobody_has_changed_is_asked_for_once_a_minute(stand):
    stand.hear()
    stand.ask()
    stand.wait(FRESH_SECONDS, heard=True)
    stand.ask()

    assert stand.source.asked == [1, 1]


def test_a_video_that_is_not_there_is_not_remembered(stand):
    stand.hear()
    for _ in range(2):
        with pytest.raises(NotFound):
            stand.ask(99)
    stand.source.videos[99] = facts_of(99)

    assert stand.ask(99) == facts_of(99)


def test_one_that_is_not_offered_is_not_remembered(stand):
    """Who publishes a video sees it at once, and not when the news has made its way."""
    stand.hear()
    offered = stand.source.videos[1]
    stand.source.videos[1] = offered._replace(is_offered=False)
    assert not stand.ask().is_offered
    stand.source.videos[1] = offered

    assert stand.ask().is_offered


def test_one_that_has_vanished_is_forgotten(stand):
    stand.hear()
    stand.ask()
    del stand.source.videos[1]
    stand.wait(FRESH_SECONDS, heard=True)
    with pytest.raises(NotFound):
        stand.ask()
    stand.source.is_down = True

    with pytest.raises(Unavailable):
        stand.ask()


def test_while_postgres_is_out_of_reach_what_was_known_goes_on_being_said_unasked(stand):
    stand.hear()
    stand.ask()
    stand.source.is_down = True
    for _ in range(100):
        stand.memory.on_unreachable()
        stand.wait(UNREACHABLE_SECONDS - 0.1)
        assert stand.ask() == facts_of(1)
    assert stand.source.asked == [1]

    with pytest.raises(Unavailable):
        stand.ask(2)


def test_it_is_said_too_when_the_question_itself_finds_postgres_out_of_reach(stand):
    stand.hear()
    stand.ask()
    stand.source.is_down = True
    stand.wait(TRUSTED_SECONDS)

    assert stand.ask() == facts_of(1)
    assert stand.source.asked == [1, 1]


def test_so_is_what_another_was_told_before_the_question_failed(stand):
    """Sending somebody to listen gives way to others, who may ask and be answered first."""

    def give_way():
        stand.listener.listen = lambda: None
        stand.source.videos[1] = facts_of(1, duration=7)
        stand.ask()
        stand.source.is_down = True

    stand.hear()
    stand.ask()
    stand.wait(TRUSTED_SECONDS)
    stand.listener.listen = give_way

    assert stand.ask().duration == 7


def test_but_not_what_has_changed_while_the_question_failed(stand):
    def change_and_fail(video_id):
        stand.memory.on_change(video_id)
        raise Unavailable

    stand.hear()
    stand.ask()
    stand.wait(TRUSTED_SECONDS)
    stand.source.facts = change_and_fail

    with pytest.raises(Unavailable):
        stand.ask()


def test_a_known_video_is_not_refused_when_every_connection_is_taken(database):
    """On a busy machine the listener falls silent first, and then all ask at once."""
    numbers = range(1, CONNECTIONS + 5)
    with psycopg.connect(database) as sql:
        for number in numbers:
            Catalogue(sql).video(number)
    with closing(long_timeout_database(database)) as postgres:
        memory = FactsCache(FactsQuery(postgres), postgres)
        memory._changes = Silent()
        known = [memory.facts(number) for number in numbers]
        with ExitStack() as taken, ThreadPoolExecutor(len(numbers)) as threads:
            for _ in range(CONNECTIONS):
                taken.enter_context(postgres.transaction())
            postgres._engine.pool._timeout = WAIT_SECONDS
            with pytest.raises(Unavailable):
                memory.facts(numbers[-1] + 1)
            told = list(threads.map(memory.facts, numbers))

    assert told == known


def test_for_an_hour_and_no_longer(stand):
    stand.hear()
    stand.ask()
    stand.source.is_down = True
    stand.wait(LONGEST_SECONDS - 1)
    stand.memory.on_unreachable()
    assert stand.ask() == facts_of(1)
    stand.wait(1)
    stand.memory.on_unreachable()

    with pytest.raises(Unavailable):
        stand.ask()


def test_when_postgres_is_back_it_is_asked_again(stand):
    stand.hear()
    stand.ask()
    stand.memory.on_unreachable()
    stand.wait(5)
    stand.hear()
    stand.ask()

    assert stand.source.asked == [1, 1]


def test_what_changed_just_before_the_outage_is_not_said_again(stand):
    stand.hear()
    stand.ask()
    stand.memory.on_change(1)
    stand.source.is_down = True
    stand.memory.on_unreachable()

    with pytest.raises(Unavailable):
        stand.ask()


def test_no_more_videos_are_remembered_than_there_is_room_for(stand, monkeypatch):
    monkeypatch.setattr(facts_cache, "MAX_VIDEOS", 2)
    stand.hear()
    for video in (1, 2, 3, 3, 2, 1):
        stand.ask(video)

    assert stand.source.asked == [1, 2, 3, 1]
    assert len(stand.memory._cached) == 2


def test_nobody_listens_for_a_process_that_asks_nothing(stand):
    stand.hear()
    stand.ask()
    assert stand.memory.should_listen()
    stand.wait(IDLE_SECONDS, heard=True)
    assert not stand.memory.should_listen()

    stand.memory.on_stopped()
    stand.ask()
    assert stand.source.asked == [1, 1]
    assert stand.listener.starts == 1


@pytest.mark.parametrize("is_down", [False, True])
def test_who_asks_at_the_same_time_shares_one_question_and_its_outcome(stand, is_down):
    """Or a start under load would ask hundreds of times for the same few videos."""
    go_on, really = threading.Event(), stand.source.facts

    def slowly(video_id):
        go_on.wait(20)
        return really(video_id)

    def ask(_):
        try:
            return stand.ask()
        except Unavailable:
            return "unavailable"

    stand.source.facts, stand.source.is_down = slowly, is_down
    with ThreadPoolExecutor(8) as threads:
        answers = threads.map(ask, range(8))
        eventually(lambda: waiting_for(stand.memory._queries) == 7)
        go_on.set()
        heard = set(answers)

    assert heard == {"unavailable" if is_down else facts_of(1)}
    assert len(stand.source.asked) == 1
    assert stand.memory._queries == {}


def waiting_for(asking):
    """How many wait for the outcome of a question that another asks."""
    return sum(len(outcome._condition._waiters) for outcome in list(asking.values()))
