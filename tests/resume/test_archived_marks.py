"""Deletions and marks of points that Redis does not have, but the archive may have."""

from __future__ import annotations

import pytest

from resume_service.archive.history import History
from resume_service.errors import Unavailable
from tests.support.archive_stores import settings_of
from tests.support.catalogue_rows import Catalogue, close_postgres_connections
from tests.support.long_timeouts import app_without_openapi
from tests.support.three_apis import NO_PROGRESS, ApiClient

POINT = "/api/progress/ann/1"
NEED_A_POINT = {
    "delete": POINT,
    "unwatched": f"{POINT}/watched",
    "undismissed": f"{POINT}/dismissed",
}
"""The DELETE requests, by the type of their event in a batch."""
every_event = pytest.mark.parametrize("event", NEED_A_POINT)


@pytest.fixture
def app(stores):
    Catalogue(stores.sql).add_video(1, kind="movie")
    app = app_without_openapi(
        settings_of(stores.redis, stores.database_url), clock=lambda: stores.now[0]
    )
    yield app
    close_postgres_connections(app)


@pytest.fixture
def ann(app):
    return ApiClient(app.test_client())


@pytest.fixture
def archived(stores, ann):
    """A watched point that only the archive has."""
    ann.save_point(95, duration=100)
    stores.cycle()
    stores.expire("1")
    stores.pass_time(days=100)


def remove(ann, event):
    return ann.http.delete(NEED_A_POINT[event], headers=ann.headers)


def in_batch(ann, *events):
    named = [{"clerkId": "ann", "tmdbId": "1"} | event for event in events]
    results = ann.post("/api/progress/batch", {"events": named}).get_json()["results"]
    return [each["status"] for each in results]


@every_event
@pytest.mark.usefixtures("archived")
def test_event_for_an_archived_point_is_204(ann, event):
    assert remove(ann, event).status_code == 204


@every_event
@pytest.mark.usefixtures("archived")
def test_event_in_a_batch_for_an_archived_point_is_204(ann, event):
    assert in_batch(ann, {"type": event}, {"type": event, "tmdbId": "2"}) == [204, 404]


@every_event
def test_event_for_a_point_in_neither_store_is_404(ann, event):
    assert remove(ann, event).status_code == 404


@pytest.mark.usefixtures("archived")
def test_second_deletion_is_404_before_the_flush_and_after_it(stores, ann):
    first = remove(ann, "delete")
    stores.pass_time(seconds=1)
    second = remove(ann, "delete")
    stores.cycle()
    third = remove(ann, "delete")

    assert [each.status_code for each in (first, second, third)] == [204, 404, 404]


@pytest.mark.usefixtures("archived")
def test_events_after_a_deletion_in_a_batch_find_no_point(ann):
    statuses = in_batch(
        ann, {"type": "delete", "ageMs": 1}, {"type": "delete"}, {"type": "unwatched"}
    )

    assert statuses == [204, 404, 404]


@pytest.mark.usefixtures("archived")
def test_deletion_removes_the_archived_row(stores, ann):
    remove(ann, "delete")

    assert ann.read_playback() == NO_PROGRESS
    stores.cycle()
    assert stores.rows() == {}
    assert ann.read_playback() == NO_PROGRESS


@pytest.mark.usefixtures("archived")
def test_unwatched_mark_clears_the_archived_flag_at_once(stores, ann):
    before = ann.read_playback()["watched"], ann.read_rate()["progress_rate"]
    remove(ann, "unwatched")
    at_once = ann.read_playback(), ann.read_rate()["progress_rate"]
    stores.cycle()

    assert before == (True, 95)
    assert at_once == (NO_PROGRESS, 0)
    assert ann.read_playback()["watched"] is False
    assert (stores.row("1")["watched"], stores.row("1")["watched_at"]) == (False, None)


@every_event
@pytest.mark.usefixtures("archived")
def test_event_is_204_while_postgres_does_not_answer(ann, event, monkeypatch):
    def fail(*_):
        raise Unavailable

    monkeypatch.setattr(History, "times", fail)

    assert remove(ann, event).status_code == 204
    assert in_batch(ann, {"type": event, "tmdbId": "2"}) == [204]


@pytest.mark.usefixtures("archived")
def test_batch_asks_the_archive_once(ann, monkeypatch):
    asked, times = [], History.times

    def counting(history, points):
        asked.append(set(points))
        return times(history, points)

    monkeypatch.setattr(History, "times", counting)
    kinds = [{"type": kind, "tmdbId": str(n)} for n in (1, 2) for kind in NEED_A_POINT]
    in_batch(ann, *kinds, {"currentTime": 5, "tmdbId": "3"}, {"type": "watched", "tmdbId": "4"})

    assert asked == [{("ann", "1"), ("ann", "2")}]


@pytest.mark.usefixtures("archived")
def test_events_that_need_no_point_do_not_ask_the_archive(ann, monkeypatch):
    monkeypatch.setattr(History, "times", None)
    for mark in ("watched", "dismissed"):
        answer = ann.http.put(f"{POINT}/{mark}", headers=ann.headers)
        assert answer.status_code == 204
    ann.save_point(1)

    assert remove(ann, "delete").status_code == 204
