"""`Resume-Every`: responses to saves ask players to save less often, if the operator wants it."""

from __future__ import annotations

import pytest

from resume_service import create_app
from resume_service.settings import Settings
from tests.support.tokens import SECRET, bearer

POINT = {"clerkId": "ann", "tmdbId": "1", "currentTime": 60, "duration": 100}
SAVES = (
    ("/api/progress", POINT),
    ("/api/progress/batch", {"events": [POINT]}),
    ("/videos/1/progress", {"progress_rate": 60}),
    ("/api/v1/playback/movie/1", {"position_seconds": 60, "duration_seconds": 100}),
    ("/api/v1/playback/episode/1", {"position_seconds": 60, "duration_seconds": 100}),
)
"""A save in each API."""
OTHERS = (
    ("GET", "/api/progress/ann/1", None, 200),
    ("GET", "/api/progress/ann", None, 200),
    ("GET", "/videos/1/progress", None, 200),
    ("GET", "/api/v1/playback/movie/1", None, 200),
    ("PUT", "/api/progress/ann/1/watched", {}, 204),
    ("POST", "/api/progress", {"clerkId": "ann"}, 400),
    ("DELETE", "/api/progress/ann/1", None, 204),
)


@pytest.fixture(params=["fast lane", "Flask"])
def client_with(request, real_redis):
    """`client_with(every)`: a client of a service with that RESUME_EVERY_SECONDS."""

    def made(every):
        settings = Settings(jwt_secret=SECRET, resume_every_seconds=every)
        app = create_app(settings, client=real_redis)
        if request.param == "Flask":
            app.wsgi_app = app.wsgi_app.flask_app
        client = app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = bearer()["Authorization"]
        return client

    return made


@pytest.mark.parametrize(("path", "body"), SAVES)
def test_each_save_gets_the_setting_as_a_header(client_with, path, body):
    answer = client_with(30).post(path, json=body)

    assert answer.status_code in (200, 204)
    assert answer.headers["Resume-Every"] == "30"


@pytest.mark.parametrize(("path", "body"), SAVES)
def test_without_the_setting_no_save_gets_the_header(client_with, path, body):
    answer = client_with(None).post(path, json=body)

    assert answer.status_code in (200, 204)
    assert "Resume-Every" not in answer.headers


def test_an_ignored_save_gets_the_header_too(client_with):
    client = client_with(5)
    client.post("/api/progress", json=POINT)

    late = client.post("/api/progress", json=POINT | {"ageMs": 60_000})

    assert late.headers["Resume-Applied"] == "false"
    assert late.headers["Resume-Every"] == "5"


def test_reads_marks_and_errors_do_not_get_the_header(client_with):
    client = client_with(30)
    client.post("/api/progress", json=POINT)

    for method, path, body, status in OTHERS:
        answer = client.open(path, method=method, json=body)

        assert answer.status_code == status, path
        assert "Resume-Every" not in answer.headers


def test_the_document_describes_the_header_at_each_save(client_with):
    paths = client_with(None).get("/openapi.json").get_json()["paths"]

    saves = [
        (path, status)
        for path, methods in paths.items()
        for status, response in methods.get("post", {}).get("responses", {}).items()
        if "Resume-Every" in response.get("headers", {})
    ]
    assert saves == [
        ("/api/progress", "204"),
        ("/api/progress/batch", "200"),
        ("/videos/{video_id}/progress", "200"),
        ("/api/v1/playback/movie/{media_item_id}", "200"),
        ("/api/v1/playback/episode/{episode_id}", "200"),
    ]


@pytest.mark.parametrize(("every", "value"), [(None, 0), (20, 20)])
def test_a_metric_has_the_setting(client_with, every, value):
    text = client_with(every).get("/metrics").get_data(as_text=True)

    assert f"\nresume_every_seconds {value}.0\n" in text
