"""`/api/progress`: saving a point, reading it back, deleting it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from resume_service import create_app

DAYS_30 = 30 * 24 * 60 * 60
HOUR = 3600


def test_save_is_204_without_body_and_with_resume_applied(player):
    answer = player.save()

    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Resume-Applied"] == "true"
    assert "Content-Type" not in answer.headers


def test_point_without_duration_has_only_position_and_time(player):
    player.save(currentTime=3600)

    assert player.point() == {"currentTime": 3600, "updatedAt": "2026-11-20T12:00:00.000Z"}


def test_known_duration_adds_percent_watched_and_completed(player):
    player.save(currentTime=3600, duration=5400)

    assert player.point() == {
        "currentTime": 3600,
        "updatedAt": "2026-11-20T12:00:00.000Z",
        "duration": 5400,
        "percent": 66.67,
        "watched": False,
        "completed": False,
    }


def test_neutral_field_names_save_the_same_point(player):
    player.save(clerkId=None, userId="ann", tmdbId=None, videoId="v1", currentTime=7)

    assert player.point()["currentTime"] == 7


def test_neutral_and_platform_field_names_may_be_mixed(player):
    assert player.save(tmdbId=None, videoId="v1").status_code == 204
    assert player.save(clerkId=None, userId="ann").status_code == 204


def test_older_save_is_204_ignored_and_changes_nothing(player):
    player.save(currentTime=100, duration=400)
    before = player.point()

    late = player.save(currentTime=10, duration=200, ageMs=1)

    assert (late.status_code, late.headers["Resume-Applied"]) == (204, "false")
    assert player.point() == before


def test_repeated_save_is_applied_and_leaves_the_same_point(player):
    player.save(currentTime=100, duration=400)
    before = player.point()

    again = player.save(currentTime=100, duration=400, ageMs=1)  # the clock has moved on by 1 ms

    assert (again.status_code, again.headers["Resume-Applied"]) == (204, "true")
    assert player.point() == before


def test_save_without_duration_keeps_the_saved_duration(player):
    player.save(currentTime=0, duration=200)

    player.save(currentTime=50)

    assert player.point()["duration"] == 200
    assert player.point()["percent"] == 25


@pytest.mark.parametrize(
    ("position", "duration", "percent"),
    [(0, 10, 0), (1, 3, 33.33), (2, 3, 66.67), (1, 8, 12.5), (30, 20, 100), (1, 10**8, 0)],
)
def test_percent_has_two_decimals_and_is_at_most_100(player, position, duration, percent):
    player.save(currentTime=position, duration=duration)

    assert player.point()["percent"] == percent


def test_watched_starts_at_90_percent_and_survives_a_rewatch(player):
    seen = []
    for position in (89.98, 90, 3):
        player.save(currentTime=position, duration=100)
        seen.append(player.point()["watched"])

    assert seen == [False, True, True]


def test_save_without_duration_keeps_watched(player):
    player.save(currentTime=95, duration=100)
    player.save(currentTime=1)

    assert player.point()["watched"] is True


def test_completed_follows_the_current_position(player):
    seen = []
    for position in (99.9, 100, 3):
        player.save(currentTime=position, duration=100)
        seen.append(player.point()["completed"])

    assert seen == [False, True, False]


def test_age_ms_sets_the_time_of_the_measurement(player):
    player.save(ageMs=90_061)

    assert player.point()["updatedAt"] == "2026-11-20T11:58:29.939Z"


def test_measurement_time_decides_not_arrival(player, clock):
    player.save(currentTime=10, ageMs=5000)
    clock.forward(seconds=1)

    assert player.save(currentTime=5, ageMs=7000).headers["Resume-Applied"] == "false"
    assert player.save(currentTime=20, ageMs=5000).headers["Resume-Applied"] == "true"
    assert player.point()["currentTime"] == 20


def test_newer_of_two_durations_counts(player, clock):
    player.save(currentTime=50, duration=100)
    clock.forward(seconds=1)
    player.save(currentTime=50, duration=200)

    assert (player.point()["duration"], player.point()["percent"]) == (200, 25)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [("3600.0", "3600"), ("3600", "3600"), ("12.5", "12.5"), ("-0.0", "0"), ("1e3", "1000")],
)
def test_whole_number_is_returned_without_a_fraction(player, sent, shown):
    player.send(f'{{"clerkId": "ann", "tmdbId": "v1", "currentTime": {sent}, "duration": 4000.0}}')

    text = player.read().text
    assert f'"currentTime":{shown},' in text
    assert '"duration":4000,' in text


def test_missing_point_is_404(player):
    answer = player.read("never-seen")

    assert answer.status_code == 404
    assert answer.get_json() == {"error": "Progress not found"}


def test_delete_removes_the_point_and_a_second_delete_is_404(player):
    player.save()

    first, second = player.delete(), player.delete()

    assert (first.status_code, first.data) == (204, b"")
    assert (second.status_code, second.get_json()) == (404, {"error": "Progress not found"})
    assert player.read().status_code == 404
    assert player.list().get_json() == []


def test_save_after_a_delete_starts_a_new_point(player):
    player.save(currentTime=95, duration=100)
    player.delete()
    player.save(currentTime=1)

    assert set(player.point()) == {"currentTime", "updatedAt"}


def test_every_save_renews_30_days_for_the_point(player, real_redis):
    for _ in range(2):
        player.save()
        assert DAYS_30 - 10 <= real_redis.ttl("resume:ann:v1") <= DAYS_30
        real_redis.expire("resume:ann:v1", 60)


def test_index_outlives_its_points_by_at_most_an_hour(player, real_redis, clock):
    """A save renews the index only if the point's last save was in another hour."""
    for _ in range(2):
        player.save()
        assert DAYS_30 + HOUR - 10 <= real_redis.ttl("recent:ann") <= DAYS_30 + HOUR
        real_redis.expire("recent:ann", DAYS_30)
        player.save()
        assert real_redis.ttl("recent:ann") >= real_redis.ttl("resume:ann:v1")
        clock.forward(hours=1)


def test_late_save_in_the_hour_of_the_last_one_renews_the_index(player, real_redis, clock):
    player.save(ageMs=7_200_000)
    clock.forward(hours=1)
    real_redis.expire("recent:ann", 60)
    player.save(ageMs=10_700_000)

    assert real_redis.ttl("recent:ann") > DAYS_30


def test_save_over_the_limit_drops_the_oldest_point(settings, real_redis, clock, player):
    small = create_app(replace(settings, resume_max_points=2), client=real_redis, clock=clock)
    player.http = small.test_client()
    for video in ("v1", "v2", "v3"):
        player.save(tmdbId=video)
        clock.forward(seconds=1)

    assert [point["tmdbId"] for point in player.list().get_json()] == ["v3", "v2"]
    assert player.read("v1").status_code == 404
