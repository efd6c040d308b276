"""`/api/v1/playback`: each line of the "Testing" of the API it takes over, and what the contract adds."""

from __future__ import annotations

import pytest

from tests.support.three_apis import NO_PROGRESS, Speaker
from tests.support.tokens import bearer

KINDS = ("movie", "episode")
both = pytest.mark.parametrize("kind", KINDS)
AT_NOON = "2026-11-20T12:00:00.000Z"
EXAMPLE = {
    "position_seconds": 1250,
    "duration_seconds": 5400,
    "completion_percentage": 23.15,
    "watched": False,
    "last_watched_at": AT_NOON,
}
GOOD = {"position_seconds": 1250, "duration_seconds": 5400}
BAD = {
    "position_seconds": [-1, 1250.4, "5", None, True, [], 1e9],
    "duration_seconds": [0, -1, 5400.5, "5400", None, False, {}, 1e9],
}


@both
def test_getting_progress_when_none_exists(speaker, kind):
    assert speaker.played(7, kind) == NO_PROGRESS


@both
def test_getting_existing_progress(speaker, kind):
    speaker.play(1250, 5400, kind=kind)

    assert speaker.played(kind=kind) == EXAMPLE


@both
def test_saving_new_progress(speaker, kind):
    saved = speaker.play(1250, 5400, kind=kind)

    assert saved.status_code == 200
    assert saved.get_json() == EXAMPLE


@both
def test_updating_existing_progress(speaker, clock, kind):
    speaker.play(1250, 5400, kind=kind)
    clock.forward(seconds=5)
    saved = speaker.play(1255, 5400, kind=kind)

    assert saved.get_json() == speaker.played(kind=kind)
    assert saved.get_json()["position_seconds"] == 1255
    assert saved.get_json()["last_watched_at"] == "2026-11-20T12:00:05.000Z"


@pytest.mark.parametrize(
    ("position", "watched"), [(0, False), (8999, False), (9000, True), (10_000, True)]
)
def test_automatic_watched_flag_at_90_percent_and_beyond(speaker, position, watched):
    assert speaker.play(position, 10_000).get_json()["watched"] is watched


def test_saving_a_lower_position_later_keeps_watched(speaker, clock):
    speaker.play(95)
    clock.forward(seconds=5)
    again = speaker.play(5).get_json()

    assert (again["completion_percentage"], again["watched"]) == (5, True)


def test_switching_between_quality_versions_maintains_progress(speaker, clock):
    """Progress belongs to the item: another version of it, a second longer, goes on where the first stopped."""
    speaker.play(1250, 5400)
    other = speaker.played()
    clock.forward(seconds=5)
    speaker.play(other["position_seconds"] + 5, 5401)

    assert speaker.played() == EXAMPLE | {
        "position_seconds": 1255,
        "duration_seconds": 5401,
        "completion_percentage": 23.24,
        "last_watched_at": "2026-11-20T12:00:05.000Z",
    }


@both
def test_authorization_a_user_can_only_access_their_own_progress(client, speaker, kind):
    """No request can name another user: a service and an admin have their own progress, too."""
    speaker.play(1250, 5400, kind=kind)

    assert client.get(f"/api/v1/playback/{kind}/1").status_code == 401
    for other in (
        Speaker(client, "bob"),
        Speaker(client, "backend", bearer("backend", role="service")),
    ):
        assert other.played(kind=kind) == NO_PROGRESS
        other.play(7, kind=kind)
    assert speaker.played(kind=kind) == EXAMPLE


@both
@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in BAD.items() for value in values]
)
def test_invalid_data_handling(speaker, kind, field, value):
    answer = speaker.post(f"/api/v1/playback/{kind}/1", GOOD | {field: value})

    assert answer.status_code == 422
    assert answer.get_json()["error"] == "Invalid data"
    assert list(answer.get_json()["details"]) == [field]
    assert answer.get_json()["details"][field]
    assert speaker.played(kind=kind) == NO_PROGRESS


def test_both_fields_are_required_and_named(speaker):
    answer = speaker.post("/api/v1/playback/movie/1", {})

    assert answer.status_code == 422
    assert set(answer.get_json()["details"]) == {"position_seconds", "duration_seconds"}


def test_a_position_beyond_the_duration_is_100_percent(speaker):
    answer = speaker.play(150, 100).get_json()

    assert answer["position_seconds"] == 150
    assert answer["completion_percentage"] == 100


@pytest.mark.parametrize("item", ["0", "-1", "x", "1.5", "01", str(2**63)])
def test_an_id_that_is_no_number_of_an_item_is_404_in_the_words_of_the_route(speaker, item):
    for kind, error in (("movie", "Media item not found"), ("episode", "Episode not found")):
        saved, read = speaker.play(5, 9, item, kind), speaker.get(f"/api/v1/playback/{kind}/{item}")
        assert (saved.status_code, saved.get_json()) == (404, {"error": error})
        assert (read.status_code, read.get_json()) == (404, {"error": error})


def test_token_comes_before_body_and_body_before_item(client, speaker):
    path = "/api/v1/playback/movie/x"

    assert client.post(path, json={}).status_code == 401
    assert speaker.post(path, {}).status_code == 422
    assert (
        speaker.post(path, None, json=None, data="{", content_type="application/json").status_code
        == 400
    )
    assert speaker.post(path, GOOD).status_code == 404


def test_what_another_api_saved_in_fractions_is_shown_in_seconds_that_may_be_sent_back(speaker):
    speaker.save(1250.9, duration=5400.2)
    shown = speaker.played()

    assert (shown["position_seconds"], shown["duration_seconds"]) == (1250, 5401)
    assert speaker.play(shown["position_seconds"], shown["duration_seconds"]).status_code == 200
