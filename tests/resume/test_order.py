"""The newest measurement wins, in any order of arrival and from any number of threads."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from resume_service import create_app
from resume_service.clock import epoch_ms, iso
from resume_service.resume.model import Measurement
from resume_service.settings import Settings
from tests.support.load_clients import Viewer
from tests.support.tokens import SECRET, bearer

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOW_MS = epoch_ms(NOON) + 60_000
THREADS = 8


def measured(position: float, at: datetime, **more) -> Measurement:
    age_ms = NOW_MS - epoch_ms(at)
    return Measurement("ann", "v", NOW_MS, position, age_ms=age_ms, **more)


def shuffled_with_duplicates(items: list[int], times: int) -> list[int]:
    shuffled = items * times
    random.Random(20261120).shuffle(shuffled)
    return shuffled


def test_older_measurement_never_replaces_a_newer_point(points):
    points.save(measured(40, NOON + timedelta(seconds=1)))

    assert not points.save(measured(10, NOON))
    assert points.get("ann", "v").position == 40


def test_earlier_save_below_90_percent_changes_neither_point_nor_index(points, any_redis):
    points.save(measured(40, NOON, duration=100))
    before = (
        any_redis.hgetall("resume:ann:v"),
        any_redis.zrange("recent:ann", 0, -1, withscores=True),
    )

    assert not points.save(measured(30, NOON - timedelta(milliseconds=1), duration=100))

    after = (
        any_redis.hgetall("resume:ann:v"),
        any_redis.zrange("recent:ann", 0, -1, withscores=True),
    )
    assert after == before


def test_repeated_save_leaves_the_hash_unchanged(points, any_redis):
    points.save(measured(95, NOON, duration=100))
    before = any_redis.hgetall("resume:ann:v")

    assert points.save(measured(95, NOON, duration=100))
    assert any_redis.hgetall("resume:ann:v") == before


def test_newest_of_a_thousand_shuffled_saves_from_8_threads_wins(points):
    ages = shuffled_with_duplicates(list(range(500)), times=2)

    with ThreadPoolExecutor(THREADS) as threads:
        results = list(
            threads.map(
                lambda age: points.save(measured(500 - age, NOON - timedelta(milliseconds=age))),
                ages,
            )
        )

    assert len(results) == 1000
    assert points.get("ann", "v").position == 500
    assert points.get("ann", "v").updated_at == iso(NOON)


def test_newest_of_a_thousand_shuffled_saves_through_the_routes_wins(real_redis):
    app = create_app(Settings(jwt_secret=SECRET), client=real_redis, clock=lambda: NOON)
    ages = shuffled_with_duplicates(list(range(500)), times=2)

    def save(age: int) -> str:
        body = {"clerkId": "ann", "tmdbId": "v", "currentTime": 500 - age, "ageMs": age}
        return (
            app.test_client()
            .post("/api/progress", json=body, headers=bearer())
            .headers["Resume-Applied"]
        )

    with ThreadPoolExecutor(THREADS) as threads:
        applied = list(threads.map(save, ages))

    point = app.test_client().get("/api/progress/ann/v", headers=bearer()).get_json()
    assert {"true", "false"} == set(applied)
    assert point == {"currentTime": 500, "updatedAt": "2026-11-20T12:00:00.000Z"}


@pytest.mark.soak
def test_newest_of_a_thousand_shuffled_saves_through_the_server_wins(service, effort):
    """Each player sends the age of its measurement. The newest is 5 s newer than all others."""
    for round_number in range(effort(1, 20)):
        assert position_after_shuffled_saves(service, f"v{round_number}", round_number) == 999


def position_after_shuffled_saves(service, video: str, seed: int) -> float:
    began = time.monotonic()
    measured_at = {position: began - 5 - (1000 - position) / 100 for position in range(999)}
    measured_at[999] = began
    order = random.Random(seed).sample(sorted(measured_at), len(measured_at))

    def save_all(positions: list[int]) -> set[int]:
        ann = Viewer(service.port, "ann")
        ages = ((each, round((time.monotonic() - measured_at[each]) * 1000)) for each in positions)
        return {ann.save(video, position, ageMs=age).status for position, age in ages}

    with ThreadPoolExecutor(THREADS) as threads:
        statuses = set().union(*threads.map(save_all, (order[n::THREADS] for n in range(THREADS))))

    assert statuses == {204}
    position: float = Viewer(service.port, "ann").read(video).json["currentTime"]
    return position
