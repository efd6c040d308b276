"""Marks for all episodes of a series: each test is named after what the viewer expects."""

from __future__ import annotations

from functools import partial

import pytest

from resume_service.viewing import series_marks
from tests.support.long_timeouts import app_without_openapi


def test_a_series_marked_as_watched_is_in_neither_list(viewer):
    viewer.add("1x1", "1x2", "1x3")
    viewer.watch("1x1")
    viewer.watch("1x2", percent=50)
    assert viewer.mark_series("watched") == 2
    viewer.watch("1x2")

    assert viewer.next_up() == []
    assert viewer.continuing() == []


def test_an_episode_added_after_the_mark_is_next(viewer):
    viewer.add("1x1", "1x2")
    assert viewer.mark_series("watched") == 2
    viewer.add("1x3")

    assert viewer.next_up() == ["1x3"]


def test_a_repeated_mark_changes_nothing(viewer):
    viewer.add("1x1", "1x2")
    for mark in ("watched", "dismissed"):
        assert viewer.mark_series(mark) == 2
        assert viewer.mark_series(mark) == 0
    for mark in ("dismissed", "watched"):
        assert viewer.mark_series(mark, undo=True) == 2
        assert viewer.mark_series(mark, undo=True) == 0


def test_a_series_marked_as_not_watched_starts_again_and_keeps_its_positions(viewer):
    viewer.add("1x1", "1x2", "1x3")
    viewer.watch("1x1", "1x2")
    viewer.watch("1x3", percent=50)
    assert viewer.mark_series("watched", undo=True) == 2
    assert viewer.next_up() == []
    assert viewer.continuing() == ["1x3"]
    viewer.watch("1x3")
    viewer.watch("1x1")

    assert viewer.next_up() == ["1x2"]


def test_a_dismissed_series_is_in_neither_list_until_an_episode_is_saved(viewer):
    viewer.add("1x1", "1x2", "1x3")
    viewer.watch("1x1")
    assert viewer.mark_series("dismissed") == 1
    assert viewer.next_up() == []
    viewer.watch("1x2", percent=50)
    assert viewer.continuing() == ["1x2"]
    viewer.watch("1x2")
    assert viewer.next_up() == ["1x3"]
    viewer.watch("1x3", percent=50)
    assert viewer.mark_series("dismissed") == 2  # the first episode is still dismissed
    assert viewer.continuing() == []
    assert viewer.next_up() == []

    assert viewer.mark_series("dismissed", undo=True) == 3
    assert viewer.continuing() == ["1x3"]


def test_a_dismissed_series_comes_back_by_a_rewatch(viewer):
    viewer.add("1x1", "1x2", "1x3")
    viewer.watch("1x1", "1x2")
    viewer.mark_series("dismissed")
    viewer.watch("1x1", percent=5)
    assert viewer.continuing() == ["1x1"]
    viewer.watch("1x1")

    assert viewer.next_up() == ["1x3"]


def test_a_series_watched_long_ago_can_be_dismissed_and_put_back(viewer):
    """Only the archive has its points. The marks reach them, also after Redis has lost its data."""
    viewer.add("1x1", "1x2", "1x3")
    viewer.watch("1x1", "1x2")
    viewer.expire()
    assert viewer.mark_series("dismissed") == 2
    assert viewer.next_up() == []
    viewer.expire()
    assert viewer.next_up() == []

    assert viewer.mark_series("dismissed", undo=True) == 2
    assert viewer.next_up() == ["1x3"]


def test_an_archived_series_can_be_marked_as_not_watched(viewer):
    viewer.add("1x1", "1x2", "1x3")
    viewer.watch("1x1", "1x2")
    viewer.expire()
    assert viewer.mark_series("watched", undo=True) == 2
    assert viewer.next_up() == []
    viewer.watch("1x1")

    assert viewer.next_up() == ["1x2"]


def test_an_archived_series_can_be_marked_as_watched(viewer):
    viewer.add("1x1", "1x2", "1x3")
    viewer.watch("1x1")
    viewer.expire()
    assert viewer.mark_series("watched") == 2
    viewer.expire()

    assert viewer.next_up() == []
    assert viewer.mark_series("watched") == 0


def test_a_dismissal_creates_no_points(viewer):
    """Otherwise it would displace points of other videos from a full list."""
    viewer.add("1x1", "1x2", "1x3")
    viewer.watch("1x1")
    viewer.mark_series("dismissed")
    viewer.mark_series("watched", undo=True)

    assert viewer.redis.zcard(f"recent:{viewer.company.guest_id}") == 1


def test_an_unpublished_episode_stays_dismissed_when_it_is_published_again(viewer):
    viewer.add("1x1", "1x2", "1x3")
    viewer.watch("1x1")
    viewer.watch("1x2", percent=50)
    viewer.change("1x2", published=False)
    viewer.mark_series("dismissed")
    viewer.change("1x2", published=True)

    assert viewer.continuing() == []
    assert viewer.next_up() == []


def test_only_published_episodes_that_the_viewer_may_watch_are_marked(viewer, umbra):
    viewer.add("1x1", "1x2", "1x3")
    viewer.add("1x4", company=umbra.id)
    viewer.add("1x5", company=None)
    viewer.change("1x2", published=False)
    viewer.delete("1x3")

    assert viewer.mark_series("watched") == 2
    watched = viewer.redis.zrange(f"recent:{viewer.company.guest_id}", 0, -1)
    assert set(watched) == {str(viewer.ids["1x1"]), str(viewer.ids["1x5"])}


@pytest.mark.parametrize("mark", ["watched", "dismissed"])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_series_without_an_episode_to_watch_is_404(viewer, umbra, method, mark):
    viewer.add("1x1", series=8, company=umbra.id)
    viewer.add("2x1", series=9, published=False)
    statuses = {
        series: viewer.http.open(
            f"/v1/series/{series}/{mark}", method=method, headers=viewer.company.guest
        ).status_code
        for series in (7, 8, 9, 2**63 - 1)
    }

    assert set(statuses.values()) == {404}


def test_a_long_series_is_marked_in_several_batches(viewer, monkeypatch):
    monkeypatch.setattr(series_marks, "BATCH", 4)
    viewer.add(*[f"1x{number}" for number in range(1, 11)])
    assert viewer.mark_series("watched") == 10
    viewer.add("1x11", "2x1")

    assert viewer.next_up() == ["1x11"]


def test_a_redis_that_does_not_answer_is_a_503_and_the_call_can_be_repeated(viewer, monkeypatch):
    viewer.add("1x1", "1x2")
    viewer.redis.config_set("maxmemory", 1)
    try:
        response = viewer.http.put("/v1/series/7/watched", headers=viewer.company.guest)
    finally:
        viewer.redis.config_set("maxmemory", 0)
    assert response.status_code == 503

    assert viewer.mark_series("watched") == 2


def test_marks_for_which_the_list_has_no_space_do_not_count_as_changes(viewer, client_with):
    create = partial(app_without_openapi, clock=viewer.clock)
    viewer.http = client_with(create, resume_max_points=10)
    viewer.add(*[f"1x{number}" for number in range(1, 16)])

    assert viewer.mark_series("watched") == 10
    assert viewer.redis.zcard(f"recent:{viewer.company.guest_id}") == 10
