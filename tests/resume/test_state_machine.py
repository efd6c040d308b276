"""The store against a simple model, in random orders of saves, reads, deletes and expiries."""

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
from resume_service.resume.model import Measurement, ResumePoint, Status
from tests.support.resume_stores import resume_store

START = datetime(2026, 11, 20, 10, tzinfo=UTC)
LONG_AFTER = START + timedelta(days=60)
"""A time when any point may have expired."""
CAP = 3
WATCHED = 90

users = st.sampled_from(["ann", "a:b"])
videos = st.sampled_from(["v1", "b:c", "%", "é😀", "V1"])
moments = st.integers(0, 6).map(lambda second: START + timedelta(seconds=second))
positions = st.one_of(
    st.integers(0, 10**8),
    st.floats(0, 10**8),
    st.sampled_from([0, 89.99, 90, 99.994, 99.995, 100, 150]),
)
rates = st.one_of(st.integers(0, 100), st.sampled_from([89, 90, 99, 100]))
durations = st.one_of(st.none(), st.just(100), st.floats(1e-6, 10**8), st.integers(1, 10**8))


class Model:
    """The rules of the contract, in dictionaries: (user, video) -> hash, user -> {video: moment}."""

    def __init__(self) -> None:
        self.points: dict[tuple[str, str], dict[str, str]] = {}
        self.index: dict[str, dict[str, int]] = {}
        self.dirty: dict[tuple[str, str], int] = {}
        self.erased: dict[tuple[str, str], int] = {}

    def save(self, seen: Measurement) -> bool:
        key = (seen.user_id, seen.video_id)
        stored = self.points.get(key, {})
        if stored and stored["updatedAt"] > iso_ms(seen.measured_at_ms):
            return False
        fresh = self._hash(seen, stored)
        if "percent" not in fresh:  # the percent of that position is unknown
            dropped = ("percent", "completed", *(() if "watchedAt" in stored else ("watched",)))
            stored = {name: value for name, value in stored.items() if name not in dropped}
        self.points[key] = stored | fresh
        self._put_first(seen)
        self.dirty[key] = seen.measured_at_ms
        return True

    def _hash(self, seen: Measurement, stored: dict[str, str]) -> dict[str, str]:
        at = iso_ms(seen.measured_at_ms)
        fresh = {"updatedAt": at}
        if seen.position is not None:
            fresh["currentTime"] = number(seen.position)
        duration = number(seen.duration) if seen.duration else stored.get("duration")
        if seen.rate is not None:
            if duration is None and seen.catalogue_duration:
                duration = number(seen.catalogue_duration)
            percent = seen.rate
            fresh["currentTime"] = (
                stored.get("currentTime", "0")
                if duration is None
                else number(float(f"{seen.rate * float(duration) / 100:.3f}"))
            )
        elif duration is None:
            return fresh
        else:
            percent = round(min(100, 100 * seen.position / float(duration)), 2)
        watched = percent >= WATCHED or "watchedAt" in stored
        fresh |= {"percent": f"{percent:.2f}"} | ({"duration": duration} if duration else {})
        fresh |= {"watched": str(int(watched)), "completed": str(int(percent == 100))}
        if percent >= WATCHED and "watchedAt" not in stored:
            fresh["watchedAt"] = at
        if percent == 100 and "completedAt" not in stored:
            fresh["completedAt"] = at
        return fresh

    def _put_first(self, seen: Measurement) -> None:
        index = self.index.setdefault(seen.user_id, {})
        index[seen.video_id] = seen.measured_at_ms
        while len(index) > CAP:
            others = [video for video in index if video != seen.video_id]
            oldest = min(others, key=lambda video: (index[video], escaped(video).encode()))
            del index[oldest]
            self.points.pop((seen.user_id, oldest), None)

    def list(self, user: str) -> list[str]:
        index = self.index.get(user, {})
        newest_first = sorted(index, key=lambda v: (index[v], escaped(v).encode()), reverse=True)
        return [video for video in newest_first if (user, video) in self.points]


class StoreMachine(RuleBasedStateMachine):
    """The test sets `redis`."""

    redis: Any

    def __init__(self) -> None:
        super().__init__()
        self.redis.flushall()
        self.store = resume_store(self.redis, max_points=CAP, watched_percent=WATCHED, archive=True)
        self.model = Model()

    @rule(user=users, video=videos, position=positions, duration=durations, at=moments)
    def save(self, user, video, position, duration, at):
        seen = Measurement(
            user_id=user,
            video_id=video,
            position=position,
            duration=duration,
            measured_at_ms=epoch_ms(at),
        )
        assert self.store.save(seen) == self.model.save(seen)

    @rule(user=users, video=videos, rate=rates, duration=durations, at=moments)
    def save_rate(self, user, video, rate, duration, at):
        seen = Measurement(
            user_id=user,
            video_id=video,
            rate=rate,
            catalogue_duration=duration,
            measured_at_ms=epoch_ms(at),
        )
        self._save_and_get(seen)

    @rule(user=users, video=videos, position=positions, duration=durations, at=moments)
    def save_and_get(self, user, video, position, duration, at):
        seen = Measurement(
            user_id=user,
            video_id=video,
            position=position,
            duration=duration,
            measured_at_ms=epoch_ms(at),
        )
        self._save_and_get(seen)

    def _save_and_get(self, seen: Measurement) -> None:
        key = (seen.user_id, seen.video_id)
        was_new = key not in self.model.points
        saved = self.store.save_and_get(seen)
        assert saved.is_applied == self.model.save(seen)
        assert saved.is_new == was_new
        assert as_hash(saved.point) == shown(self.model.points[key])

    @rule(user=users, video=videos)
    def get(self, user, video):
        expected = self.model.points.get((user, video))
        if expected is None:
            with pytest.raises(NotFound):
                self.store.get(user, video)
        else:
            assert as_hash(self.store.get(user, video)) == shown(expected)

    @rule(user=users, video=videos, at=moments)
    def delete(self, user, video, at):
        key = (user, video)
        if key not in self.model.points:
            with pytest.raises(NotFound):
                self.store.delete(user, video, epoch_ms(at))
            return
        self.store.delete(user, video, epoch_ms(at))
        del self.model.points[key]
        del self.model.index[user][video]
        del self.model.dirty[key]
        self.model.erased[key] = epoch_ms(at)

    @rule(user=users, video=videos)
    def expire(self, user, video):
        """Redis removes the hash after 30 days; the index entry stays."""
        self.redis.delete(f"resume:{escaped(user)}:{escaped(video)}")
        self.model.points.pop((user, video), None)

    @rule(user=users, limit=st.integers(1, CAP + 1), status=st.sampled_from([None, *Status]))
    def page_through(self, user, limit, status):
        listed: list[str] = []
        after: Cursor | None = None
        while True:
            page = self.store.list(
                user, epoch_ms(LONG_AFTER), limit=limit, after=after, status=status
            )
            assert len(page.items) == limit or page.next is None
            listed += [point.video_id for point in page.items]
            after = page.next
            if after is None:
                break
        assert listed == [v for v in self.model.list(user) if matches(self.model, user, v, status)]

    @invariant()
    def redis_equals_the_model(self):
        stored = {key: self.redis.hgetall(key) for key in self.redis.keys("resume:*")}
        assert stored == {
            f"resume:{escaped(u)}:{escaped(v)}": fields
            for (u, v), fields in self.model.points.items()
        }
        for user in self.model.index:
            index = dict(self.redis.zrange(f"recent:{escaped(user)}", 0, -1, withscores=True))
            assert index == {escaped(v): ms for v, ms in self.model.index[user].items()}
        assert marks(self.redis, "archive:dirty") == as_marks(self.model.dirty)
        assert marks(self.redis, "archive:erased") == as_marks(self.model.erased)


def number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def escaped(text: str) -> str:
    return text.replace("%", "%25").replace(":", "%3A")


def marks(redis: Any, key: str) -> dict[str, float]:
    return dict(redis.zrange(key, 0, -1, withscores=True))


def as_marks(expected: dict[tuple[str, str], int]) -> dict[str, int]:
    return {f"{escaped(u)}:{escaped(v)}": ms for (u, v), ms in expected.items()}


def as_hash(point: ResumePoint) -> dict[str, Any]:
    return {
        "currentTime": point.position,
        "updatedAt": point.updated_at,
        "duration": point.duration,
        "percent": point.percent,
        "watched": point.watched,
        "completed": point.completed,
    }


def shown(stored: dict[str, str]) -> dict[str, Any]:
    """A stored hash, parsed as a point."""
    return {
        "currentTime": float(stored["currentTime"]),
        "updatedAt": stored["updatedAt"],
        "duration": float(stored["duration"]) if "duration" in stored else None,
        "percent": float(stored["percent"]) if "percent" in stored else None,
        "watched": stored["watched"] == "1" if "watched" in stored else None,
        "completed": stored["completed"] == "1" if "completed" in stored else None,
    }


def matches(model: Model, user: str, video: str, status: Status | None) -> bool:
    stored = model.points[user, video]
    if status is Status.WATCHED:
        return stored.get("watched") == "1"
    if status is Status.IN_PROGRESS:
        return float(stored.get("percent", 0)) < WATCHED
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
