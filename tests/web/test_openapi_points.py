"""The examples of `/videos` and `/api/v1/playback` in the document are real responses."""

from __future__ import annotations

import pytest

from tests.support.archive_stores import settings_of
from tests.support.catalogue_rows import Catalogue, close_postgres_connections
from tests.support.long_timeouts import long_timeout_app
from tests.support.tokens import bearer

PATHS = {
    "/videos/{video_id}/progress": "/videos/1/progress",
    "/api/v1/playback/movie/{media_item_id}": "/api/v1/playback/movie/1",
    "/api/v1/playback/episode/{episode_id}": "/api/v1/playback/episode/1",
}
FAULTS = {
    "/videos/{video_id}/progress": {"progress_rate": 150},
    "/api/v1/playback/movie/{media_item_id}": {"position_seconds": -1, "duration_seconds": 9},
    "/api/v1/playback/episode/{episode_id}": {"position_seconds": -1, "duration_seconds": 9},
}
every_path = pytest.mark.parametrize("path", PATHS)


def content_of(answer):
    return answer["content"]["application/json"]


def address(path, video):
    before, _, rest = path.partition("{")
    return f"{before}{video}{rest.partition('}')[2]}"


def dated(answer):
    """`answer` with the time of the example."""
    return answer | {"last_watched_at": "2026-11-20T10:00:00.000Z"}


@every_path
def test_example_of_a_save_produces_the_examples_of_the_responses(client, path):
    described = client.get("/openapi.json").get_json()["paths"][path]
    body = content_of(described["post"]["requestBody"])["example"]
    saved = client.post(PATHS[path], json=body, headers=bearer())
    read = client.get(PATHS[path], headers=bearer())

    assert dated(saved.get_json()) == content_of(described["post"]["responses"]["200"])["example"]
    assert dated(read.get_json()) == content_of(described["get"]["responses"]["200"])["example"]


@every_path
def test_examples_of_404_and_422_are_real_responses(client, path):
    described = client.get("/openapi.json").get_json()["paths"][path]
    refused = client.post(PATHS[path], json=FAULTS[path], headers=bearer())
    missing = client.get(address(path, "x"), headers=bearer())

    for method in ("get", "post"):
        example = content_of(described[method]["responses"]["404"])["example"]
        assert missing.get_json() == example
    assert refused.get_json() == content_of(described["post"]["responses"]["422"])["example"]
    assert (missing.status_code, refused.status_code) == (404, 422)


@every_path
def test_example_of_403_is_the_response_for_another_companys_video(
    real_redis, emptied_database, sql, path
):
    catalogue = Catalogue(sql)
    kind = next((kind for kind in ("movie", "episode") if kind in path), "video")
    video = catalogue.add_video(kind=kind, corporation=catalogue.add_corporation())
    app = long_timeout_app(settings_of(real_redis, emptied_database))
    http = app.test_client()
    example = content_of(
        http.get("/openapi.json").get_json()["paths"][path]["get"]["responses"]["403"]
    )["example"]
    answer = http.get(address(path, video), headers=bearer())
    close_postgres_connections(app)

    assert (answer.status_code, answer.get_json()) == (403, example)
