"""The store against a simple model, in random orders of events, reads, lists and expiries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from resume_service.clock import epoch_ms, iso_ms
from resume_service.errors import NotFound
from resume_service.paging import Cursor
from resume_service.resume.model import EventType, Measurement, Status
from tests.support.event_model import DELETE, NEVER, RATE, SAVE, WATCHED_PERCENT, Event, model
from tests.support.resume_stores import resume_store

START_MS = epoch_ms(datetime(2026, 11, 20, 10, tzinfo=UTC))
NOW_MS = START_MS + 60_000
LONG_AFTER_MS = START_MS + timedelta(days=60) // timedelta(milliseconds=1)
"""A time when any point may have expired."""
CAP = 3

users = st.sampled_from(["ann", "a:b"])
videos = st.sampled_from(["v1", "b:c", "%", "é😀", "V1"])
times = st.integers(0, 6).map(lambda second: START_MS + second * 1000)
positions = st.one_of(
    st.integers(0, 10**8),
    st.floats(0, 10**8),
    st.sampled_from([0, 89.99, 90, 99.994, 99.995, 100, 150]),
)
rates = st.one_of(st.integers(0, 100), st.sampled_from([89, 90, 99, 100]))
durations = st.one_of(st.just(100), st.floats(1e-6, 10**8), st.integers(1, 10**8))
marks = st.sampled_from([kind for kind in EventType if kind not in (SAVE, RATE)])


class Model:
    """The events of each (user, video), and which points fit into the index of the user."""

    def __init__(self) -> None:
        self.events: dict[tuple[str, str], list[Event]] = {}
        self.deleted: dict[tuple[str, str], int] = {}

    def add(self, user: str, video: str, event: Event) -> None:
        key = (user, video)
        if event.type is DELETE:
            self.deleted[key] = max(event.at, self.deleted.get(key, NEVER))
        kept = [*self.events.get(key, []), event]
        self.events[key] = [each for each in kept if each.at > self.deleted.get(key, NEVER)]
        self.events = {each: events for each, events in self.events.items() if events}
        while len(newest_first := self.newest_first(user)) > CAP:
            del self.events[user, newest_first[-1]]

    def newest_first(self, user: str) -> list[str]:
        """All videos of the index, also those that have only marks."""
        own = [video for owner, video in self.events if owner == user]
        return sorted(own, key=lambda v: (self.at(user, v), escaped(v).encode()), reverse=True)

    def at(self, user: str, video: str) -> int:
        events = self.events[user, video]
        saves = [each.at for each in events if each.type in (SAVE, RATE)]
        watched = [each.at for each in events if each.type is EventType.WATCHED]
        return max(saves or watched or [each.at for each in events])

    def point(self, user: str, video: str) -> dict[str, Any] | None:
        return model(self.events.get((user, video), []))

    def list(self, user: str) -> list[str]:
        return [video for video in self.newest_first(user) if self.point(user, video)]


class StoreMachine(RuleBasedStateMachine):
    """The test sets `redis`."""

    redis: Any

    def __init__(self) -> None:
        super().__init__()
        self.redis.flushall()
        self.store = resume_store(
            self.redis, max_points=CAP, watched_percent=WATCHED_PERCENT, archive=True
        )
        self.model = Model()

    @rule(user=users, video=videos, position=positions, duration=durations, at=times)
    def save(self, user, video, position, duration, at):
        self._save(user, video, Event(SAVE, at, position, duration=duration))

    @rule(user=users, video=videos, rate=rates, usual=st.one_of(st.none(), durations), at=times)
    def save_rate(self, user, video, rate, usual, at):
        self._save(user, video, Event(RATE, at, rate=rate, usual=usual))

    def _save(self, user: str, video: str, event: Event) -> None:
        existed = self.model.point(user, video) is not None
        sent = event.arriving(user, video, NOW_MS)
        assert isinstance(sent, Measurement)
        saved = self.store.save_and_get(sent)
        self.model.add(user, video, event)
        assert saved.is_new is not existed
        assert shown(saved.point) == self.model.point(user, video)
        if saved.is_applied:
            assert saved.point.updated_at == iso_ms(event.at)

    @rule(user=users, video=videos, kind=marks, at=times)
    def mark(self, user, video, kind, at):
        existed = self.model.point(user, video) is not None
        earlier = self.model.deleted.get((user, video), 0)
        event = Event(kind, at)
        sent = event.arriving(user, video, NOW_MS)
        if kind is DELETE:
            assert self.store.delete(sent)[:2] == (existed, earlier)
        else:
            assert self.store.mark(sent).existed == existed
        self.model.add(user, video, event)

    @rule(user=users, video=videos)
    def get(self, user, video):
        expected = self.model.point(user, video)
        if expected is None:
            with pytest.raises(NotFound):
                self.store.get(user, video)
        else:
            assert shown(self.store.get(user, video)) == expected

    @rule(user=users, video=videos)
    def expire(self, user, video):
        """Redis removes a hash after 30 days. Its index entry remains until another save."""
        self.redis.delete(f"resume:{escaped(user)}:{escaped(video)}")
        self.redis.zrem(f"recent:{escaped(user)}", escaped(video))
        self.model.events.pop((user, video), None)

    @rule(user=users, limit=st.integers(1, CAP + 1), status=st.sampled_from([None, *Status]))
    def page_through(self, user, limit, status):
        listed: list[str] = []
        after: Cursor | None = None
        while True:
            page = self.store.list(user, LONG_AFTER_MS, limit=limit, after=after, status=status)
            assert len(page.items) == limit or page.next is None
            listed += [point.video_id for point in page.items]
            after = page.next
            if after is None:
                break
        assert listed == [v for v in self.model.list(user) if matches(self.model, user, v, status)]

    @invariant()
    def index_and_deletions_equal_the_model(self):
        for user in ("ann", "a:b"):
            index = self.redis.zrange(f"recent:{escaped(user)}", 0, -1, withscores=True)
            videos_of_user = self.model.newest_first(user)
            assert dict(index) == {escaped(v): self.model.at(user, v) for v in videos_of_user}
            hashes = {f"resume:{escaped(user)}:{escaped(v)}" for v in videos_of_user}
            assert set(self.redis.keys(f"resume:{escaped(user)}:*")) == hashes
            deleted = self.redis.zrange(f"deleted:{escaped(user)}", 0, -1, withscores=True)
            assert len(deleted) <= CAP
            known = {escaped(v): at for (u, v), at in self.model.deleted.items() if u == user}
            self.model.deleted = {
                key: at
                for key, at in self.model.deleted.items()
                if key[0] != user or escaped(key[1]) in dict(deleted)
            }
            assert dict(deleted).items() <= known.items()


def escaped(text: str) -> str:
    return text.replace("%", "%25").replace(":", "%3A")


def shown(point: Any) -> dict[str, Any] | None:
    if point is None:
        return None
    names = ("position", "updated_at", "duration", "percent", "dismissed", "device")
    flags = {"watched": point.watched is True, "completed": point.completed is True}
    return {name: getattr(point, name) for name in names} | flags


def matches(expected: Model, user: str, video: str, status: Status | None) -> bool:
    point = expected.point(user, video) or {}
    if status is Status.WATCHED:
        return bool(point["watched"])
    if status is Status.IN_PROGRESS:
        is_below = point["percent"] is None or point["percent"] < WATCHED_PERCENT
        return point["position"] > 0 and is_below and not point["dismissed"]
    return True


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_store_always_agrees_with_the_model(any_redis, effort):
    class Machine(StoreMachine):
        redis = any_redis

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=effort(10, 400),
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
