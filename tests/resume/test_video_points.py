"""A watched video stays watched: after a rewatch, after 30 days, and after Redis lost its data."""

from __future__ import annotations

from datetime import timedelta

import pytest

from resume_service.archive.history import History
from resume_service.clock import iso
from resume_service.errors import Unavailable
from resume_service.resume.store import ResumeStore
from tests.support.archive_stores import settings_of
from tests.support.catalogue_rows import Catalogue, close_postgres_connections
from tests.support.long_timeouts import app_without_openapi
from tests.support.three_apis import NO_PROGRESS, ApiClient


@pytest.fixture
def app(stores):
    catalogue = Catalogue(stores.sql)
    for number in (1, 2):
        catalogue.add_video(number, kind="movie")
    app = app_without_openapi(
        settings_of(stores.redis, stores.database_url), clock=lambda: stores.now[0]
    )
    yield app
    close_postgres_connections(app)


@pytest.fixture
def ann(app, stores):
    return ApiClient(app.test_client(), before_write=lambda: stores.pass_time(milliseconds=1))


def months_later(stores, video=1):
    stores.cycle()
    stores.expire(str(video))
    stores.pass_time(days=100)


SAVES = {
    "a rate": lambda ann, percent: ann.save_rate(percent),
    "playback": lambda ann, percent: ann.save_playback(percent),
}
by_each = pytest.mark.parametrize("by", SAVES)


@by_each
def test_video_watched_months_ago_is_shown_unchanged(stores, ann, by):
    SAVES[by](ann, 100)
    SAVES[by](ann, 95)
    before = ann.read_rate(), ann.read_playback()
    months_later(stores)

    assert ann.get("/api/progress/ann/1").status_code == 404
    assert (ann.read_rate(), ann.read_playback()) == before
    assert before[1]["watched"] is True
    assert before[0]["is_completed"] is False


@by_each
def test_unwatched_video_expires(stores, ann, by):
    SAVES[by](ann, 89)
    months_later(stores)

    assert ann.read_rate()["last_watched_at"] is None
    assert ann.read_playback() == NO_PROGRESS


@by_each
def test_rewatch_after_months_is_watched_at_once_in_all_apis(stores, ann, by):
    SAVES[by](ann, 100)
    first = stores.redis.hget("resume:ann:1", "watchedAt")
    months_later(stores)
    SAVES[by](ann, 5)

    assert ann.read_playback()["watched"] is True
    assert ann.read_rate()["progress_rate"] == 5
    assert ann.read_rate()["is_completed"] is False
    assert ann.read_point()["watched"] is True
    assert stores.redis.hget("resume:ann:1", "watchedAt") == first
    assert stores.redis.hget("resume:ann:1", "completedAt") == first
    stores.cycle()
    assert stores.row("1")["watched"] is True
    assert stores.row("1")["watched_at"] == first


def test_response_to_a_save_after_months_says_watched(stores, ann):
    ann.save_playback(95)
    months_later(stores)

    assert ann.save_playback(5).get_json()["watched"] is True
    assert ann.save_playback(6).get_json()["watched"] is True


@by_each
def test_restored_point_is_shown_unchanged_by_all_apis(stores, ann, by):
    SAVES[by](ann, 100)
    SAVES[by](ann, 40)
    before = ann.read_point(), ann.read_rate(), ann.read_playback()
    stores.cycle()
    stores.redis.flushall()
    assert stores.archive.cycle().restored == 1

    assert (ann.read_point(), ann.read_rate(), ann.read_playback()) == before
    assert before[0]["watched"] is True
    assert before[0]["completed"] is False
    SAVES[by](ann, 100)
    assert ann.read_rate()["is_completed"] is True


def test_rate_without_a_duration_is_archived_restored_and_in_the_history(stores, ann):
    ann.save_point(7.5, 1)
    ann.save_rate(95)
    before = ann.read_point(), ann.read_rate()
    assert stores.cycle().archived == 1
    row = stores.row("1")
    assert (row["position"], row["duration"], row["percent"]) == (7.5, None, 95)
    assert (row["watched"], row["completed"], row["completed_at"]) == (True, False, None)
    stores.redis.flushall()
    stores.archive.cycle()

    assert (ann.read_point(), ann.read_rate()) == before
    (shown,) = ann.get("/api/history").get_json()
    assert shown == {
        "videoId": "1",
        "currentTime": 7.5,
        "percent": 95,
        "watched": True,
        "watchedAt": iso(stores.now[0]),
        "updatedAt": iso(stores.now[0]),
    }


def test_dropped_percent_does_not_return_from_the_archive(stores, ann):
    ann.save_rate(95)
    stores.cycle()
    ann.save_point(7)
    stores.cycle()
    before = ann.read_point()
    stores.redis.flushall()
    stores.archive.cycle()

    assert before == {"currentTime": 7, "watched": True}
    assert ann.read_point() == before
    assert stores.row("1")["percent"] is None


def test_newer_archived_position_replaces_an_older_rate(stores, ann):
    """A device saves a rate in the empty Redis before the worker restores the newer point."""
    stores.save("1", 7, measured_at=stores.now[0] + timedelta(seconds=10))
    stores.cycle()
    stores.redis.flushall()
    ann.save_rate(95)
    stores.archive.cycle()

    assert ann.read_point() == {"currentTime": 7, "watched": True}
    assert stores.row("1")["watched"] is True


@pytest.mark.parametrize("is_flushed", [False, True], ids=["before the flush", "after it"])
def test_deleted_point_is_not_watched(stores, ann, is_flushed):
    """Also before the deletion is in the archive."""
    ann.save_playback(95)
    stores.cycle()
    ann.before_write()
    ann.http.delete("/api/progress/ann/1", headers=ann.headers)
    if is_flushed:
        stores.cycle()

    assert ann.read_playback() == NO_PROGRESS
    assert ann.save_playback(5).get_json()["watched"] is False
    stores.cycle()
    assert ann.read_playback()["watched"] is False
    assert stores.row("1")["watched"] is False


def test_watched_from_the_archive_survives_a_concurrent_save(stores, ann, app):
    ann.save_playback(95)
    months_later(stores)
    store = app.extensions["resume_service"].get(ResumeStore)
    merge = store.merge

    def merge_after_another_save(*given):
        stores.pass_time(seconds=1)
        stores.save("1", 7)
        return merge(*given)

    store.merge = merge_after_another_save
    answer = ann.save_playback(5).get_json()

    assert (answer["position_seconds"], answer["watched"]) == (7, True)
    assert ann.read_point()["watched"] is True


def test_without_postgres_watched_returns_at_the_next_flush(stores, ann, app):
    ann.save_playback(95)
    months_later(stores)
    ann.read_rate(2)
    archive = app.extensions["resume_service"].get(History)

    def silent(*_):
        raise Unavailable

    find, archive.find = archive.find, silent
    assert ann.get("/videos/2/progress").status_code == 503
    saved = ann.save_playback(5)
    archive.find = find

    assert saved.status_code == 200
    assert saved.get_json()["watched"] is False
    stores.cycle()
    assert ann.read_playback()["watched"] is True
