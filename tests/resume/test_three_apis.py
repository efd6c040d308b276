"""Three APIs, one point: a save through one API is visible in all three."""

from __future__ import annotations

import pytest

from resume_service import create_app
from resume_service.settings import Settings
from tests.support.three_apis import NO_PROGRESS, ApiClient
from tests.support.tokens import SECRET


def shown_by_all(api, video=1):
    """The point as each API shows it: position, duration, percent and flags."""
    point, rate, playback = api.read_point(video), api.read_rate(video), api.read_playback(video)
    shown_at = rate.pop("last_watched_at")
    assert shown_at == playback.pop("last_watched_at")
    assert shown_at.startswith("2026-11-20T12:00:00.00")
    assert api.read_playback(video, "episode").items() >= playback.items()
    return point, (rate["progress_rate"], rate["is_completed"]), playback


def expected(position, duration, percent, *, watched, completed):
    """The expected result of `shown_by_all`; None is unknown."""
    point = {"currentTime": position, "duration": duration, "percent": percent}
    point |= {"watched": watched, "completed": completed}
    return (
        {name: value for name, value in point.items() if value is not None},
        (int(percent or 0), completed is True),
        {
            "position_seconds": int(position),
            "duration_seconds": duration,
            "completion_percentage": percent or 0,
            "watched": watched is True,
        },
    )


PERCENTS = [
    (0, 0, False, False),
    (1, 1, False, False),
    (89.99, 89.99, False, False),
    (90, 90, True, False),
    (99.99, 99.99, True, False),
    (100, 100, True, True),
    (150, 100, True, True),
]
"""Percent of 10,000 seconds, percent shown, watched and completed."""
every_percent = pytest.mark.parametrize(("percent", "shows", "watched", "completed"), PERCENTS)


@every_percent
def test_progress_save_with_a_duration_is_shown_by_all_apis(
    api, percent, shows, watched, completed
):
    api.save_point(percent * 100, duration=10_000)

    assert shown_by_all(api) == expected(
        percent * 100, 10_000, shows, watched=watched, completed=completed
    )


@pytest.mark.parametrize("percent", [percent for percent, *_ in PERCENTS])
def test_progress_save_without_a_duration_is_shown_as_0_percent(api, percent):
    """The percent is unknown. An API that must return a number returns 0."""
    api.save_point(percent * 100)

    assert shown_by_all(api) == expected(percent * 100, None, None, watched=None, completed=None)


@every_percent
def test_playback_save_is_shown_by_all_apis(api, percent, shows, watched, completed):
    position = round(percent * 100)
    api.save_playback(position, 10_000)

    assert shown_by_all(api) == expected(
        position, 10_000, shows, watched=watched, completed=completed
    )


RATES = [(0, False), (1, False), (89, False), (90, True), (99, True), (100, True)]
every_rate = pytest.mark.parametrize(("rate", "watched"), RATES)


@every_rate
def test_rate_sets_the_position_if_the_duration_is_known(api, rate, watched):
    api.save_point(5, duration=5400.5)
    api.save_point(5, 2)
    api.save_rate(rate)

    point, rated, played = shown_by_all(api)
    position = round(rate * 54.005, 3)
    assert point == {
        "currentTime": position,
        "duration": 5400.5,
        "percent": rate,
        "watched": watched,
        "completed": rate == 100,
    }
    assert rated == (rate, rate == 100)
    assert played == {
        "position_seconds": int(position),
        "duration_seconds": 5401,
        "completion_percentage": rate,
        "watched": watched,
    }


@every_rate
@pytest.mark.parametrize("position", [None, 60.5])
def test_rate_keeps_the_position_if_the_duration_is_unknown(api, rate, watched, position):
    if position:
        api.save_point(position)
    api.save_rate(rate)

    assert shown_by_all(api) == expected(
        position or 0, None, rate, watched=watched, completed=rate == 100
    )


def test_position_without_duration_after_a_rate_drops_the_percent_and_keeps_watched(
    api,
):
    for video, rate in ((1, 50), (2, 100)):
        api.save_rate(rate, video)
        api.save_point(7, video)

    assert shown_by_all(api, 1) == expected(7, None, None, watched=None, completed=None)
    assert shown_by_all(api, 2) == expected(7, None, None, watched=True, completed=None)


def test_rate_sets_the_position_after_the_duration_was_saved(api):
    api.save_rate(50)
    api.save_playback(10, 200)
    api.save_rate(50)

    assert shown_by_all(api) == expected(100, 200, 50, watched=False, completed=False)


def test_fractional_percent_is_rounded_down_to_a_rate(api):
    api.save_point(99.99, duration=100)

    assert api.read_rate()["progress_rate"] == 99
    assert api.read_rate()["is_completed"] is False


def test_watched_percent_setting_applies_to_rates_and_playback(real_redis, clock):
    settings = Settings(jwt_secret=SECRET, watched_percent=50)
    http = create_app(settings, client=real_redis, clock=clock).test_client()
    api = ApiClient(http, before_write=clock.move_on)
    for video, rate in ((1, 49), (2, 50)):
        api.save_rate(rate, video)
        api.save_playback(rate, 100, video + 2)

    assert [api.read_playback(video)["watched"] for video in (1, 2, 3, 4)] == [False, True] * 2


def test_list_filters_points_that_were_saved_as_rates(api, clock):
    for video, rate in ((1, 50), (2, 95)):
        api.save_point(5, video, duration=100)
        clock.forward(seconds=1)
        api.save_rate(rate, video)
    api.save_rate(50, 3)  # without a duration, its position is 0
    listed = {
        status: [point["tmdbId"] for point in api.get(f"/api/progress/ann?status={status}").json]
        for status in ("in-progress", "watched")
    }

    assert listed == {"in-progress": ["1"], "watched": ["2"]}


def test_of_two_saves_in_one_millisecond_the_position_wins_then_the_greater_one(client):
    """So the point does not depend on the order of arrival."""
    api = ApiClient(client)
    api.save_playback(50)
    assert api.save_rate(60).get_json()["progress_rate"] == 50
    api.save_point(40, duration=100)
    assert api.read_rate()["progress_rate"] == 50
    api.save_point(70, duration=100)
    assert api.read_rate()["progress_rate"] == 70


def test_clock_that_moves_back_locks_no_viewer_out(api, clock):
    """For example after a failover to a Redis with a clock that is behind."""
    api.save_point(70, duration=100)
    clock.forward(seconds=-5)
    saved = api.save_rate(10).get_json()

    assert saved["progress_rate"] == 10
    assert saved["last_watched_at"] == "2026-11-20T11:59:55.000Z"
    assert api.save_playback(10).get_json() == api.read_playback()


def test_deleted_point_is_gone_from_all_three_apis(api):
    api.save_rate(95)
    api.before_write()
    api.http.delete("/api/progress/ann/1", headers=api.headers)

    assert api.read_rate()["last_watched_at"] is None
    assert api.read_playback() == NO_PROGRESS
    assert api.save_rate(5).get_json()["progress_rate"] == 5
    assert api.read_playback()["watched"] is False
