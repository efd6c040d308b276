"""Access to the videos of a catalogue, for saves and reads."""

from __future__ import annotations

import pytest

from tests.support.archive_stores import settings_of
from tests.support.catalogue_rows import Catalogue, close_postgres_connections
from tests.support.long_timeouts import app_without_openapi
from tests.support.three_apis import ApiClient
from tests.support.tokens import bearer

MOVIE_404 = "Media item not found"


@pytest.fixture
def catalogue(stores):
    return Catalogue(stores.sql)


@pytest.fixture
def client_of(stores):
    """`client_of(user, **claims)`: a client of a service with a catalogue."""
    app = app_without_openapi(
        settings_of(stores.redis, stores.database_url), clock=lambda: stores.now[0]
    )
    yield lambda user="ann", **claims: ApiClient(
        app.test_client(),
        user,
        bearer(user, **claims),
        before_write=lambda: stores.pass_time(milliseconds=1),
    )
    close_postgres_connections(app)


@pytest.fixture
def ann(client_of):
    return client_of()


def status_and_error(api, video, kind):
    """Status and error of a save and of a read, which must be equal."""
    if kind == "video":
        answers = api.save_rate(5, video), api.get(f"/videos/{video}/progress")
    else:
        answers = (
            api.save_playback(5, 100, video, kind),
            api.get(f"/api/v1/playback/{kind}/{video}"),
        )
    saved, read = [(answer.status_code, answer.get_json().get("error")) for answer in answers]
    assert saved == read
    return saved


MISSING = {"video": "Video not found", "movie": MOVIE_404, "episode": "Episode not found"}
every_kind = pytest.mark.parametrize("kind", MISSING)


@every_kind
def test_public_video_is_open_to_everyone(client_of, catalogue, kind):
    video = catalogue.add_video(kind=kind)

    for claims in ({}, {"corporation_id": 5}, {"role": "service"}):
        assert status_and_error(client_of(**claims), video, kind) == (200, None)


@every_kind
def test_unknown_deleted_or_unpublished_video_is_404_for_everyone(
    stores, client_of, catalogue, kind
):
    company = catalogue.add_corporation()
    deleted = catalogue.add_video(kind=kind, corporation=company)
    catalogue.mark_deleted(deleted)
    unpublished = catalogue.add_video(kind=kind, corporation=company, published=False)

    for claims in ({}, {"corporation_id": company, "role": "admin"}, {"role": "service"}):
        for video in (deleted, unpublished, 10**6, 2**63 - 1):
            assert status_and_error(client_of(**claims), video, kind) == (404, MISSING[kind])
    assert stores.redis.keys("resume:*") == []


@every_kind
def test_company_video_is_403_except_for_its_company_and_services(
    stores, client_of, catalogue, kind
):
    company, other = catalogue.add_corporation(), catalogue.add_corporation()
    video = catalogue.add_video(kind=kind, corporation=company)

    for claims in ({}, {"corporation_id": other}, {"corporation_id": other, "role": "admin"}):
        assert status_and_error(client_of(**claims), video, kind) == (403, "Not yours to reach")
    assert stores.redis.keys("resume:*") == []
    for claims in ({"corporation_id": company}, {"role": "service"}):
        assert status_and_error(client_of(**claims), video, kind) == (200, None)


def test_item_of_another_kind_is_404_with_its_own_message(ann, catalogue):
    videos = {kind: catalogue.add_video(kind=kind) for kind in MISSING}

    for kind in ("video", "episode"):
        assert status_and_error(ann, videos[kind], "movie") == (404, "Media item is not a movie")
    for kind in ("video", "movie"):
        assert status_and_error(ann, videos[kind], "episode") == (
            404,
            "Media item is not an episode",
        )


def test_rate_accepts_movies_and_episodes_too(ann, catalogue):
    for kind in MISSING:
        assert status_and_error(ann, catalogue.add_video(kind=kind), "video") == (200, None)


def test_video_published_again_is_available_again(ann, catalogue):
    video = catalogue.add_video(published=False)
    assert status_and_error(ann, video, "video")[0] == 404
    catalogue.update(video, published=True)

    assert status_and_error(ann, video, "video") == (200, None)


@pytest.mark.parametrize("rate", [0, 1, 89, 90, 100])
def test_rate_sets_the_position_by_the_catalogues_duration(ann, catalogue, rate):
    video = catalogue.add_video(kind="movie", duration=5400.5)
    ann.save_rate(rate, video)

    assert ann.read_point(video) == {
        "currentTime": round(rate * 54.005, 3),
        "duration": 5400.5,
        "percent": rate,
        "watched": rate >= 90,
        "completed": rate == 100,
    }
    assert ann.read_playback(video)["completion_percentage"] == rate


def test_players_duration_overrides_the_catalogues_duration(ann, catalogue, stores):
    video = catalogue.add_video(kind="movie", duration=100)
    ann.save_playback(50, 200, video)
    stores.pass_time(seconds=1)
    ann.save_rate(50, video)

    assert ann.read_point(video)["currentTime"] == 100


def test_api_progress_does_not_check_the_catalogue(ann):
    ann.save_point(5, video="999999", duration=10)

    assert ann.read_point("999999")["percent"] == 50
    assert status_and_error(ann, 999_999, "video")[0] == 404
