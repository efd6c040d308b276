"""`/` redirects a browser to a page."""

from __future__ import annotations

import pytest

from resume_service import create_app
from resume_service.player_page import routes as watch
from resume_service.settings import Settings
from tests.support.tokens import SECRET


@pytest.fixture
def app(settings):
    return create_app(settings)


def redirected(client, path="/"):
    answer = client.get(path)

    assert answer.status_code == 302
    return answer.headers["Location"]


def test_start_page_redirects_to_the_documentation(app):
    client = app.test_client()

    assert redirected(client) == "/docs"
    assert redirected(client, "/?next=//evil.example") == "/docs"
    assert client.get("/docs", buffered=True).status_code == 200


@pytest.fixture
def with_a_catalogue():
    return Settings(jwt_secret=SECRET, database_url="postgresql://nowhere.invalid/archive")


def test_a_catalogue_without_a_player_page_redirects_to_the_documentation(
    with_a_catalogue, monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(watch, "PACKAGE", tmp_path / "src")
    client = create_app(with_a_catalogue).test_client()

    assert redirected(client) == "/docs"
    assert client.get("/watch").status_code == 404
    assert "no page /watch" in capsys.readouterr().err


def test_start_page_redirects_to_the_player_page_if_there_is_one(with_a_catalogue):
    client = create_app(with_a_catalogue).test_client()

    assert redirected(client) == "/watch"
    assert client.get("/watch", buffered=True).status_code == 200


def test_start_page_needs_neither_a_token_nor_redis(app):
    assert redirected(app.test_client()) == "/docs"


def test_start_page_refuses_writes(app):
    answer = app.test_client().post("/")

    assert answer.status_code == 405
    assert answer.get_json() == {"error": "Method Not Allowed"}
