"""Three APIs, one point: what is saved in the words of one is read in the words of each."""

from __future__ import annotations

import pytest

from resume_service import create_app
from resume_service.settings import Settings
from tests.support.three_apis import NO_PROGRESS, Speaker
from tests.support.tokens import SECRET

AT_NOON = "2026-11-20T12:00:00.000Z"


def seen(speaker, video=1):
    """The one point as each API shows it, of what may differ: position, duration, percent, flags."""
    point, rated, played = speaker.point(video), speaker.rated(video), speaker.played(video)
    assert rated.pop("last_watched_at") == played.pop("last_watched_at") == AT_NOON
    assert speaker.played(video, "episode").items() >= played.items()
    return point, (rated["progress_rate"], rated["is_completed"]), played


def shown(position, duration, percent, *, watched, completed):
    """What all three show of such a point; what is None is not known."""
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
"""Of 10,000 seconds, the percent shown, watched and completed."""
every_percent = pytest.mark.parametrize(("percent", "shows", "watched", "completed"), PERCENTS)


@every_percent
def test_a_save_by_api_progress_with_a_duration(speaker, percent, shows, watched, completed):
    speaker.save(percent * 100, duration=10_000)

    assert seen(speaker) == shown(
        percent * 100, 10_000, shows, watched=watched, completed=completed
    )


@pytest.mark.parametrize("percent", [percent for percent, *_ in PERCENTS])
def test_a_save_by_api_progress_without_a_duration_ever(speaker, percent):
    """Nobody can tell how far that is; an API that must say something says 0."""
    speaker.save(percent * 100)

    assert seen(speaker) == shown(percent * 100, None, None, watched=None, completed=None)


@every_percent
def test_a_save_by_playback(speaker, percent, shows, watched, completed):
    position = round(percent * 100)
    speaker.play(position, 10_000)

    assert seen(speaker) == shown(position, 10_000, shows, watched=watched, completed=completed)


RATES = [(0, False), (1, False), (89, False), (90, True), (99, True), (100, True)]
every_rate = pytest.mark.parametrize(("rate", "watched"), RATES)


@every_rate
def test_a_rate_of_a_point_whose_duration_is_known(speaker, rate, watched):
    speaker.save(5, duration=5400.5)
    speaker.save(5, 2)
    speaker.rate(rate)

    point, rated, played = seen(speaker)
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
def test_a_rate_of_a_point_whose_duration_nobody_knows(speaker, rate, watched, position):
    """The rate is kept, and the place that was known before."""
    if position:
        speaker.save(position)
    speaker.rate(rate)

    assert seen(speaker) == shown(position or 0, None, rate, watched=watched, completed=rate == 100)


def test_a_position_of_unknown_duration_after_a_rate_drops_the_percent_and_keeps_watched(
    speaker,
):
    for video, rate in ((1, 50), (2, 100)):
        speaker.rate(rate, video)
        speaker.save(7, video)

    assert seen(speaker, 1) == shown(7, None, None, watched=None, completed=None)
    assert seen(speaker, 2) == shown(7, None, None, watched=True, completed=None)


def test_a_duration_told_later_makes_positions_of_rates(speaker):
    speaker.rate(50)
    speaker.play(10, 200)
    speaker.rate(50)

    assert seen(speaker) == shown(100, 200, 50, watched=False, completed=False)


def test_a_rate_between_two_saves_is_rounded_down(speaker):
    speaker.save(99.99, duration=100)

    assert speaker.rated()["progress_rate"] == 99
    assert speaker.rated()["is_completed"] is False


def test_watched_follows_the_percent_that_the_operator_set(real_redis, clock):
    settings = Settings(jwt_secret=SECRET, watched_percent=50)
    speaker = Speaker(create_app(settings, client=real_redis, clock=clock).test_client())
    for video, rate in ((1, 49), (2, 50)):
        speaker.rate(rate, video)
        speaker.play(rate, 100, video + 2)

    assert [speaker.played(video)["watched"] for video in (1, 2, 3, 4)] == [False, True] * 2


def test_a_list_shows_rates_and_filters_by_them(speaker, clock):
    for video, rate in ((1, 50), (2, 95)):
        speaker.rate(rate, video)
        clock.forward(seconds=1)
    listed = {
        status: [
            point["tmdbId"] for point in speaker.get(f"/api/progress/ann?status={status}").json
        ]
        for status in ("in-progress", "watched")
    }

    assert listed == {"in-progress": ["1"], "watched": ["2"]}


def test_of_saves_in_one_millisecond_the_later_arrival_wins_and_an_older_one_is_told_what_stands(
    speaker, clock
):
    speaker.play(50)
    assert speaker.rate(60).get_json()["progress_rate"] == 60
    speaker.save(70, duration=100)
    assert speaker.rated()["progress_rate"] == 70

    clock.forward(seconds=-5)  # another host's clock may be behind
    told = speaker.rate(10).get_json()
    assert told["progress_rate"] == 70
    assert told["last_watched_at"] == AT_NOON
    assert speaker.play(10).get_json() == speaker.played()


def test_a_deleted_point_is_gone_from_all_three(speaker):
    speaker.rate(95)
    speaker.http.delete("/api/progress/ann/1", headers=speaker.headers)

    assert speaker.rated()["last_watched_at"] is None
    assert speaker.played() == NO_PROGRESS
    assert speaker.rate(5).get_json()["progress_rate"] == 5
    assert speaker.played()["watched"] is False
