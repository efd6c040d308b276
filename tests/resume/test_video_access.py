"""Who may save and read which video, where there is a catalogue."""

from __future__ import annotations

import pytest

from tests.support.archive_stores import settings_of
from tests.support.catalogue_rows import Catalogue, close
from tests.support.long_timeouts import app_without_openapi
from tests.support.three_apis import Speaker
from tests.support.tokens import bearer

MOVIE_404 = "Media item not found"


@pytest.fixture
def catalogue(stores):
    return Catalogue(stores.sql)


@pytest.fixture
def speaker_of(stores):
    """`speaker_of(user, **claims)`: a viewer of the service over both stores."""
    app = app_without_openapi(
        settings_of(stores.redis, stores.database_url), clock=lambda: stores.now[0]
    )
    yield lambda user="ann", **claims: Speaker(app.test_client(), user, bearer(user, **claims))
    close(app)


@pytest.fixture
def ann(speaker_of):
    return speaker_of()


def tried(speaker, video, kind):
    """Status and error of a save and of a read, which must agree."""
    if kind == "video":
        answers = speaker.rate(5, video), speaker.get(f"/videos/{video}/progress")
    else:
        answers = (
            speaker.play(5, 100, video, kind),
            speaker.get(f"/api/v1/playback/{kind}/{video}"),
        )
    saved, read = [(answer.status_code, answer.get_json().get("error")) for answer in answers]
    assert saved == read
    return saved


MISSING = {"video": "Video not found", "movie": MOVIE_404, "episode": "Episode not found"}
every_kind = pytest.mark.parametrize("kind", MISSING)


@every_kind
def test_a_public_video_is_for_everyone(speaker_of, catalogue, kind):
    video = catalogue.video(kind=kind)

    for claims in ({}, {"corporation_id": 5}, {"role": "service"}):
        assert tried(speaker_of(**claims), video, kind) == (200, None)


@every_kind
def test_one_that_is_unknown_deleted_or_unpublished_is_404_for_everyone(
    stores, speaker_of, catalogue, kind
):
    company = catalogue.corporation()
    deleted = catalogue.video(kind=kind, corporation=company)
    catalogue.delete(deleted)
    unpublished = catalogue.video(kind=kind, corporation=company, published=False)

    for claims in ({}, {"corporation_id": company, "role": "admin"}, {"role": "service"}):
        for video in (deleted, unpublished, 10**6, 2**63 - 1):
            assert tried(speaker_of(**claims), video, kind) == (404, MISSING[kind])
    assert stores.redis.keys("resume:*") == []


@every_kind
def test_a_companys_video_is_403_for_all_but_its_own_and_a_service(
    stores, speaker_of, catalogue, kind
):
    company, other = catalogue.corporation(), catalogue.corporation()
    video = catalogue.video(kind=kind, corporation=company)

    for claims in ({}, {"corporation_id": other}, {"corporation_id": other, "role": "admin"}):
        assert tried(speaker_of(**claims), video, kind) == (403, "Not yours to reach")
    assert stores.redis.keys("resume:*") == []
    for claims in ({"corporation_id": company}, {"role": "service"}):
        assert tried(speaker_of(**claims), video, kind) == (200, None)


def test_an_item_of_another_kind_is_404_by_its_own_words(ann, catalogue):
    of = {kind: catalogue.video(kind=kind) for kind in MISSING}

    for kind in ("video", "episode"):
        assert tried(ann, of[kind], "movie") == (404, "Media item is not a movie")
    for kind in ("video", "movie"):
        assert tried(ann, of[kind], "episode") == (404, "Media item is not an episode")


def test_a_rate_serves_movies_and_episodes_too(ann, catalogue):
    for kind in MISSING:
        assert tried(ann, catalogue.video(kind=kind), "video") == (200, None)


def test_a_video_published_again_is_served_again(ann, catalogue):
    video = catalogue.video(published=False)
    assert tried(ann, video, "video")[0] == 404
    catalogue.set(video, published=True)

    assert tried(ann, video, "video") == (200, None)


@pytest.mark.parametrize("rate", [0, 1, 89, 90, 100])
def test_the_catalogues_duration_makes_a_position_of_a_rate(ann, catalogue, rate):
    video = catalogue.video(kind="movie", duration=5400.5)
    ann.rate(rate, video)

    assert ann.point(video) == {
        "currentTime": round(rate * 54.005, 3),
        "duration": 5400.5,
        "percent": rate,
        "watched": rate >= 90,
        "completed": rate == 100,
    }
    assert ann.played(video)["completion_percentage"] == rate


def test_a_duration_that_the_player_told_counts_more_than_the_catalogues(ann, catalogue):
    video = catalogue.video(kind="movie", duration=100)
    ann.play(50, 200, video)
    ann.rate(50, video)

    assert ann.point(video)["currentTime"] == 100


def test_api_progress_knows_no_catalogue(ann):
    ann.save(5, video="999999", duration=10)

    assert ann.point("999999")["percent"] == 50
    assert tried(ann, 999_999, "video")[0] == 404
