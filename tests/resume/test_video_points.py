"""What was watched stays watched: through a rewatch, the end of the 30 days, and a Redis that is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from resume_service.archive.history import History
from resume_service.clock import iso
from resume_service.errors import Unavailable
from resume_service.resume.store import ResumeStore
from tests.support.archive_stores import settings_of
from tests.support.catalogue_rows import Catalogue, close
from tests.support.long_timeouts import app_without_openapi
from tests.support.three_apis import NO_PROGRESS, Speaker


@pytest.fixture
def app(stores):
    catalogue = Catalogue(stores.sql)
    for number in (1, 2):
        catalogue.video(number, kind="movie")
    app = app_without_openapi(
        settings_of(stores.redis, stores.database_url), clock=lambda: stores.now[0]
    )
    yield app
    close(app)


@pytest.fixture
def ann(app):
    return Speaker(app.test_client())


def months_later(stores, video=1):
    stores.cycle()
    stores.expire(str(video))
    stores.pass_time(days=100)


SAVES = {
    "a rate": lambda ann, percent: ann.rate(percent),
    "playback": lambda ann, percent: ann.play(percent),
}
by_each = pytest.mark.parametrize("by", SAVES)


@by_each
def test_a_video_watched_months_ago_is_shown_as_it_stood(stores, ann, by):
    SAVES[by](ann, 100)
    SAVES[by](ann, 95)
    as_it_stood = ann.rated(), ann.played()
    months_later(stores)

    assert ann.get("/api/progress/ann/1").status_code == 404
    assert (ann.rated(), ann.played()) == as_it_stood
    assert as_it_stood[1]["watched"] is True
    assert as_it_stood[0]["is_completed"] is False


@by_each
def test_one_that_was_not_watched_has_expired(stores, ann, by):
    SAVES[by](ann, 89)
    months_later(stores)

    assert ann.rated()["last_watched_at"] is None
    assert ann.played() == NO_PROGRESS


@by_each
def test_a_rewatch_after_months_is_watched_at_once_and_everywhere(stores, ann, by):
    SAVES[by](ann, 100)
    first = stores.redis.hget("resume:ann:1", "watchedAt")
    months_later(stores)
    SAVES[by](ann, 5)

    assert ann.played()["watched"] is True
    assert ann.rated()["progress_rate"] == 5
    assert ann.rated()["is_completed"] is False
    assert ann.point()["watched"] is True
    assert stores.redis.hget("resume:ann:1", "watchedAt") == first
    assert stores.redis.hget("resume:ann:1", "completedAt") == first
    stores.cycle()
    assert stores.row("1")["watched"] is True
    assert stores.row("1")["watched_at"] == first


def test_the_very_answer_to_that_save_says_so(stores, ann):
    ann.play(95)
    months_later(stores)

    assert ann.play(5).get_json()["watched"] is True
    assert ann.play(6).get_json()["watched"] is True


@by_each
def test_watched_and_completed_survive_a_redis_that_is_lost(stores, ann, by):
    SAVES[by](ann, 100)
    SAVES[by](ann, 40)
    stood = ann.point(), ann.rated(), ann.played()
    stores.cycle()
    stores.redis.flushall()
    assert stores.archive.cycle().restored == 1

    assert (ann.point(), ann.rated(), ann.played()) == stood
    assert stood[0]["watched"] is True
    assert stood[0]["completed"] is False
    SAVES[by](ann, 100)
    assert ann.rated()["is_completed"] is True


def test_a_rate_without_a_duration_goes_to_the_archive_and_back_and_is_in_the_history(stores, ann):
    ann.save(7.5, 1)
    ann.rate(95)
    hash_before = stores.redis.hgetall("resume:ann:1")
    assert stores.cycle().archived == 1
    row = stores.row("1")
    assert (row["position"], row["duration"], row["percent"]) == (7.5, None, 95)
    assert (row["watched"], row["completed"], row["completed_at"]) == (True, False, None)
    stores.redis.flushall()
    stores.archive.cycle()

    assert stores.redis.hgetall("resume:ann:1") == hash_before
    (told,) = ann.get("/api/history").get_json()
    assert told == {
        "videoId": "1",
        "currentTime": 7.5,
        "percent": 95,
        "watched": True,
        "watchedAt": iso(stores.now[0]),
        "updatedAt": iso(stores.now[0]),
    }


def test_a_percent_that_was_dropped_does_not_come_back_from_the_archive(stores, ann):
    ann.rate(95)
    stores.cycle()
    ann.save(7)
    stores.cycle()
    stood = ann.point()
    stores.redis.flushall()
    stores.archive.cycle()

    assert stood == {"currentTime": 7, "watched": True}
    assert ann.point() == stood
    assert stores.row("1")["percent"] is None


def test_a_newer_archived_place_replaces_an_older_rate_and_what_followed_from_it(stores, ann):
    """A device reports a rate to the emptied Redis, before the worker puts the newer point back."""
    stores.save("1", 7, measured_at=stores.now[0] + timedelta(seconds=10))
    stores.cycle()
    stores.redis.flushall()
    ann.rate(95)
    stores.archive.cycle()

    assert ann.point() == {"currentTime": 7, "watched": True}
    assert stores.row("1")["watched"] is True


@pytest.mark.parametrize("is_flushed", [False, True], ids=["before the flush", "after it"])
def test_a_deleted_point_was_never_watched(stores, ann, is_flushed):
    """Also while the archive has not yet heard of the deletion."""
    ann.play(95)
    stores.cycle()
    ann.http.delete("/api/progress/ann/1", headers=ann.headers)
    if is_flushed:
        stores.cycle()

    assert ann.played() == NO_PROGRESS
    assert ann.play(5).get_json()["watched"] is False
    stores.cycle()
    assert ann.played()["watched"] is False
    assert stores.row("1")["watched"] is False


def test_what_the_archive_knows_is_told_while_others_save_the_point_too(stores, ann, app):
    ann.play(95)
    months_later(stores)
    store = app.extensions["resume_service"].get(ResumeStore)
    set_first_times, saves = store.set_first_times, iter((6, 7))

    def beaten(*given):
        for position in saves:
            stores.pass_time(seconds=1)
            stores.save("1", position)
            break
        return set_first_times(*given)

    store.set_first_times = beaten
    answer = ann.play(5).get_json()

    assert (answer["position_seconds"], answer["watched"]) == (7, True)
    assert ann.point()["watched"] is True


def test_a_postgres_that_does_not_answer_delays_what_the_archive_knew_until_the_next_flush(
    stores, ann, app
):
    ann.play(95)
    months_later(stores)
    ann.rated(2)
    archive = app.extensions["resume_service"].get(History)

    def silent(*_):
        raise Unavailable

    find, archive.find = archive.find, silent
    assert ann.get("/videos/2/progress").status_code == 503
    saved = ann.play(5)
    archive.find = find

    assert saved.status_code == 200
    assert saved.get_json()["watched"] is False
    stores.cycle()
    assert ann.played()["watched"] is True
