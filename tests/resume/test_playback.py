"""`/api/v1/playback`: each line in "Testing" of the API that it replaces, and our own rules."""

from __future__ import annotations

import pytest

from tests.support.three_apis import NO_PROGRESS, ApiClient
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
def test_read_without_progress_returns_zero_progress(api, kind):
    assert api.read_playback(7, kind) == NO_PROGRESS


@both
def test_read_returns_the_saved_progress(api, kind):
    api.save_playback(1250, 5400, kind=kind)

    assert api.read_playback(kind=kind) == EXAMPLE


@both
def test_first_save_returns_the_progress(api, kind):
    saved = api.save_playback(1250, 5400, kind=kind)

    assert saved.status_code == 200
    assert saved.get_json() == EXAMPLE


@both
def test_later_save_updates_position_and_time(api, clock, kind):
    api.save_playback(1250, 5400, kind=kind)
    clock.forward(seconds=5)
    saved = api.save_playback(1255, 5400, kind=kind)

    assert saved.get_json() == api.read_playback(kind=kind)
    assert saved.get_json()["position_seconds"] == 1255
    assert saved.get_json()["last_watched_at"] == "2026-11-20T12:00:05.000Z"


@pytest.mark.parametrize(
    ("position", "watched"), [(0, False), (8999, False), (9000, True), (10_000, True)]
)
def test_watched_is_true_from_90_percent(api, position, watched):
    assert api.save_playback(position, 10_000).get_json()["watched"] is watched


def test_lower_position_later_keeps_watched(api, clock):
    api.save_playback(95)
    clock.forward(seconds=5)
    again = api.save_playback(5).get_json()

    assert (again["completion_percentage"], again["watched"]) == (5, True)


def test_another_quality_version_continues_the_progress(api, clock):
    """Progress belongs to the item. The other version is one second longer."""
    api.save_playback(1250, 5400)
    other = api.read_playback()
    clock.forward(seconds=5)
    api.save_playback(other["position_seconds"] + 5, 5401)

    assert api.read_playback() == EXAMPLE | {
        "position_seconds": 1255,
        "duration_seconds": 5401,
        "completion_percentage": 23.24,
        "last_watched_at": "2026-11-20T12:00:05.000Z",
    }


@both
def test_each_user_reads_and_saves_only_its_own_progress(client, api, kind):
    """No request can name another user, so a service has its own progress too."""
    api.save_playback(1250, 5400, kind=kind)

    assert client.get(f"/api/v1/playback/{kind}/1").status_code == 401
    for other in (
        ApiClient(client, "bob"),
        ApiClient(client, "backend", bearer("backend", role="service")),
    ):
        assert other.read_playback(kind=kind) == NO_PROGRESS
        other.save_playback(7, kind=kind)
    assert api.read_playback(kind=kind) == EXAMPLE


@both
@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in BAD.items() for value in values]
)
def test_invalid_field_is_422_named_and_saves_nothing(api, kind, field, value):
    answer = api.post(f"/api/v1/playback/{kind}/1", GOOD | {field: value})

    assert answer.status_code == 422
    assert answer.get_json()["error"] == "Invalid data"
    assert list(answer.get_json()["details"]) == [field]
    assert answer.get_json()["details"][field]
    assert api.read_playback(kind=kind) == NO_PROGRESS


def test_missing_fields_are_422_and_named(api):
    answer = api.post("/api/v1/playback/movie/1", {})

    assert answer.status_code == 422
    assert set(answer.get_json()["details"]) == {"position_seconds", "duration_seconds"}


def test_position_over_the_duration_is_100_percent(api):
    answer = api.save_playback(150, 100).get_json()

    assert answer["position_seconds"] == 150
    assert answer["completion_percentage"] == 100


@pytest.mark.parametrize("item", ["0", "-1", "x", "1.5", "01", str(2**63)])
def test_invalid_item_id_is_404_with_the_message_of_its_route(api, item):
    for kind, error in (("movie", "Media item not found"), ("episode", "Episode not found")):
        saved, read = (
            api.save_playback(5, 9, item, kind),
            api.get(f"/api/v1/playback/{kind}/{item}"),
        )
        assert (saved.status_code, saved.get_json()) == (404, {"error": error})
        assert (read.status_code, read.get_json()) == (404, {"error": error})


def test_token_is_checked_before_body_and_body_before_item(client, api):
    path = "/api/v1/playback/movie/x"

    assert client.post(path, json={}).status_code == 401
    assert api.post(path, {}).status_code == 422
    assert (
        api.post(path, None, json=None, data="{", content_type="application/json").status_code
        == 400
    )
    assert api.post(path, GOOD).status_code == 404


def test_fractions_are_shown_as_whole_seconds_that_may_be_sent_back(api):
    api.save_point(1250.9, duration=5400.2)
    shown = api.read_playback()

    assert (shown["position_seconds"], shown["duration_seconds"]) == (1250, 5401)
    assert (
        api.save_playback(shown["position_seconds"], shown["duration_seconds"]).status_code == 200
    )
