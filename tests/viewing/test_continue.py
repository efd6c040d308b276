"""The list "continue watching": each test is named after what the viewer expects."""

from __future__ import annotations

import pytest

from resume_service.catalogue.facts_cache import FactsCache
from resume_service.errors import Unavailable
from resume_service.viewing import continue_watching
from tests.support.eventually import eventually
from tests.support.viewing_client import LENGTH


def test_an_episode_in_progress_is_in_the_list_until_it_is_watched(viewer):
    viewer.add("1x1", "1x2")
    viewer.watch("1x1", percent=89)
    assert viewer.continuing() == ["1x1"]
    viewer.watch("1x1", percent=90)

    assert viewer.continuing() == []


def test_an_episode_that_was_opened_but_not_begun_is_not_in_the_list(viewer):
    viewer.add("1x1")
    viewer.watch("1x1", percent=0)

    assert viewer.continuing() == []


def test_the_newest_comes_first(viewer):
    viewer.add("1x1")
    viewer.add("film", "other-film", series=None, kind="movie")
    viewer.watch("film", "1x1", "other-film", percent=50)
    assert viewer.continuing() == ["other-film", "1x1", "film"]
    viewer.watch("film", percent=51)

    assert viewer.continuing() == ["film", "other-film", "1x1"]


def test_of_two_episodes_in_progress_only_the_newest_is_shown(viewer):
    viewer.add("1x1", "1x2", "1x3")
    viewer.add("2x1", series=8)
    viewer.watch("1x1", "1x3", "2x1", "1x2", percent=50)

    assert viewer.continuing() == ["1x2", "2x1"]


def test_the_same_series_number_of_another_owner_is_another_series(viewer):
    viewer.add("1x1")
    viewer.add("1x2", company=None)
    viewer.watch("1x1", "1x2", percent=50)

    assert viewer.continuing() == ["1x2", "1x1"]


def test_a_rewatch_is_in_the_list(viewer):
    viewer.add("1x1")
    viewer.watch("1x1")
    viewer.watch("1x1", percent=3)

    assert viewer.continuing() == ["1x1"]


def test_a_dismissed_episode_stays_out_until_it_is_saved_again(viewer):
    viewer.add("1x1")
    viewer.watch("1x1", percent=50)
    viewer.mark("1x1", "dismissed")
    assert viewer.continuing() == []
    viewer.mark("1x1", "dismissed", undo=True)
    assert viewer.continuing() == ["1x1"]
    viewer.mark("1x1", "dismissed")
    viewer.watch("1x1", percent=51)

    assert viewer.continuing() == ["1x1"]


def test_behind_a_dismissed_episode_the_next_newest_of_its_series_is_shown(viewer):
    viewer.add("1x1", "1x2")
    viewer.watch("1x1", "1x2", percent=50)
    viewer.mark("1x2", "dismissed")

    assert viewer.continuing() == ["1x1"]


def test_a_watched_mark_does_not_create_an_item(viewer):
    viewer.add("1x1")
    viewer.mark("1x1", "watched")

    assert viewer.continuing() == []


def test_unpublished_deleted_and_foreign_videos_are_not_shown(viewer, umbra):
    viewer.add("1x1", "1x2", "1x3", "1x4", series=None)
    viewer.add("foreign", series=None, company=umbra.id)
    viewer.add("public", series=None, company=None)
    viewer.watch("1x1", "1x2", "1x3", "1x4", "foreign", "public", percent=50)
    viewer.change("1x2", published=False)
    viewer.delete("1x3")
    viewer.sql.execute("DELETE FROM videos WHERE id = %s", [viewer.ids["1x4"]])
    assert viewer.continuing() == ["public", "1x1"]
    viewer.change("1x2", published=True)
    viewer.restore("1x3")

    assert viewer.continuing() == ["public", "1x3", "1x2", "1x1"]


def test_an_item_shows_the_video_and_where_to_continue(viewer):
    viewer.add("1x1", "1x2")
    viewer.watch("1x2", percent=50)
    viewer.watch("1x2", percent=1.5)
    viewer.pass_time(minutes=1)

    [item] = viewer.get("continue").get_json()["items"]
    assert item.pop("updatedAt").endswith("Z")
    assert item == {
        "video": {
            "id": viewer.ids["1x2"],
            "name": "1x2",
            "kind": "episode",
            "series_id": 7,
            "season_number": 1,
            "episode_number": 2,
            "duration_seconds": LENGTH,
        },
        "currentTime": 15,
        "duration": LENGTH,
        "percent": 1.5,
        "previousTime": 500,
    }


def test_an_unknown_duration_is_null(viewer):
    viewer.add("1x1", duration_seconds=None)
    viewer.watch("1x1", percent=50, duration=None)

    [item] = viewer.get("continue").get_json()["items"]
    assert (item["duration"], item["percent"]) == (None, None)
    assert item["video"]["duration_seconds"] is None


@pytest.fixture
def many(viewer):
    """Thirty films in progress, the last one first, and a series with three episodes between."""
    films = [f"film-{number}" for number in range(30)]
    viewer.add(*films, series=None, kind="movie")
    viewer.add("1x1", "1x2", "1x3")
    for number, film in enumerate(films):
        viewer.watch(film, percent=50)
        if number in (5, 15, 25):
            viewer.watch(f"1x{number // 10 + 1}", percent=50)
    expected = films[::-1]
    expected.insert(4, "1x3")
    return expected


def pages_of(viewer, limit):
    """The labels of each page, which follows the link of the page before."""
    response, pages = viewer.get("continue", limit=limit), []
    while True:
        items = response.get_json()["items"]
        pages.append([viewer.labels[item["video"]["id"]] for item in items])
        link = response.headers.get("Link")
        if link is None:
            return pages
        url = link.removeprefix("<").removesuffix('>; rel="next"')
        response = viewer.http.get(url, headers=viewer.company.guest)


@pytest.mark.parametrize("limit", [1, 3, 7, 31, 100])
def test_pages_together_have_each_item_once(viewer, many, limit):
    pages = pages_of(viewer, limit)

    assert [label for page in pages for label in page] == many
    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert 1 <= len(pages[-1]) <= limit


def test_the_default_is_a_page_of_twenty(viewer, many):
    assert viewer.continuing() == many[:20]


def test_items_behind_many_points_that_are_not_shown_are_found(viewer, monkeypatch):
    """The first read of a page does not read all points."""
    monkeypatch.setattr(continue_watching, "SURPLUS", 0)
    viewer.add("old-film", series=None)
    viewer.add(*[f"1x{number}" for number in range(1, 9)])
    viewer.watch("old-film", percent=50)
    viewer.watch(*[f"1x{number}" for number in range(1, 9)], percent=50)

    assert viewer.continuing(limit=2) == ["1x8", "old-film"]
    assert pages_of(viewer, 1) == [["1x8"], ["old-film"]]


def test_points_of_the_same_millisecond_are_on_exactly_one_page(viewer):
    films = [f"film-{number}" for number in range(9)]
    viewer.add(*films, series=None)
    for number, film in enumerate(films):
        viewer.watch(film, percent=50, ageMs=60_000 * number)
    pages = pages_of(viewer, 2)

    assert sorted(label for page in pages for label in page) == films
    assert [len(page) for page in pages] == [2, 2, 2, 2, 1]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"cursor": "x"}, "cursor"),
        ({"userId": "a b"}, "userId"),
        ({"corporation_id": "0"}, "corporation_id"),
    ],
)
def test_an_invalid_query_is_422(viewer, query, field):
    response = viewer.get("continue", **query)

    assert response.status_code == 422
    assert response.get_json()["details"].keys() == {field}


@pytest.fixture
def without_postgres(viewer, monkeypatch):
    """`without_postgres(*labels)`: Postgres fails, and only these videos are cached.

    Returns the list of queries, to which each further query is added.
    """
    cache = viewer.http.application.extensions["resume_service"].get(FactsCache)
    queries = []

    def fail(video_ids):
        queries.append(video_ids)
        raise Unavailable

    def start(*labels):
        cache.on_change(None)
        cached = [viewer.ids[label] for label in labels]
        # A notification of an added video may come during the query. Then its result is not stored.
        eventually(lambda: cache.facts_of(cached) == cache.facts_without_postgres(cached))
        monkeypatch.setattr(cache._source, "facts_of", fail)
        return queries

    return start


def test_without_postgres_known_videos_behind_unknown_ones_are_found(
    viewer, monkeypatch, without_postgres
):
    """One query fails. Then the page queries Postgres no more, or it would take too long."""
    monkeypatch.setattr(continue_watching, "MOST_FACTS", 2)
    viewer.add(*[f"film-{number}" for number in range(9)], series=None)
    viewer.watch(*[f"film-{number}" for number in range(9)], percent=50)
    queries = without_postgres("film-1", "film-4")

    assert viewer.continuing() == ["film-4", "film-1"]
    assert len(queries) == 1
    assert viewer.continuing(limit=1) == ["film-4"]


def test_without_postgres_a_list_of_unknown_videos_is_503(viewer, monkeypatch, without_postgres):
    monkeypatch.setattr(continue_watching, "MOST_FACTS", 2)
    viewer.add("known", *[f"film-{number}" for number in range(9)], series=None)
    viewer.watch(*[f"film-{number}" for number in range(9)], percent=50)
    queries = without_postgres("known")

    assert viewer.get("continue").status_code == 503
    assert len(queries) == 1
