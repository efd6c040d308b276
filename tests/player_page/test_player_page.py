"""`/watch`: its files, their headers, and what they may load."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import pytest

from resume_service import create_app
from resume_service.player_page.routes import PACKAGE, PAGE
from resume_service.settings import Settings
from tests.support.tokens import SECRET

FILES = {path.name for path in PAGE.iterdir()} - {"watch.html"}
MODULES = sorted(path.name for path in PACKAGE.glob("*.js"))
PATHS = ["", *(f"/{name}" for name in sorted(FILES)), *(f"/resume-points/{m}" for m in MODULES)]
IMPORTED = re.compile(
    r"""^(?!\s*(?:\*|//|/\*)).*?(?:from|import\()\s*["']([./][^"']+)["']""", re.MULTILINE
)


@pytest.fixture(scope="module")
def client():
    settings = Settings(jwt_secret=SECRET, database_url="postgresql://nowhere.invalid/archive")
    return create_app(settings).test_client()


@pytest.mark.parametrize("path", PATHS)
def test_each_file_is_served_without_a_token_and_with_a_strict_policy(client, path):
    answer = client.get(f"/watch{path}", buffered=True)
    policy = dict(
        each.strip().split(" ", 1) for each in answer.headers["Content-Security-Policy"].split(";")
    )

    assert answer.status_code == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["media-src"] == "'self' blob:"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["", "/watch.js", "/resume-points/resume-points.js"])
def test_a_browser_loads_a_file_again_only_if_it_has_changed(client, path):
    first = client.get(f"/watch{path}", buffered=True)
    etag = {"If-None-Match": first.headers["ETag"]}
    again = client.get(f"/watch{path}", headers=etag, buffered=True)

    assert first.headers["Cache-Control"] == "no-cache"
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/", "/x.js", "/watch.html", "/routes.py", "/../routes.py", "/%2e%2e/routes.py",
        "/resume-points/x.js", "/resume-points/package.json", "/resume-points/../package.json",
        "/resume-points/%2e%2e%2fsize.js", "/resume-points/",
    ],
)  # fmt: skip
def test_no_other_file_is_served(client, path):
    assert client.get(f"/watch{path}").status_code == 404


def test_each_module_that_the_page_loads_is_served(client):
    loaded, waiting = set(), ["/watch/watch.js"]
    while waiting:
        url = waiting.pop()
        if url in loaded:
            continue
        answer = client.get(url, buffered=True)
        assert answer.status_code == 200, url
        loaded.add(url)
        imported = IMPORTED.findall(answer.get_data(as_text=True))
        waiting += [urljoin(url, name) for name in imported if not name.startswith("/site/")]

    own = {f"/watch/{name}" for name in FILES if name.endswith(".js")}
    assert {url for url in loaded if "/resume-points/" not in url} == own
    assert "/watch/resume-points/resume-points.js" in loaded


def test_the_page_has_no_inline_code_and_no_other_hosts():
    for file in PAGE.iterdir():
        text = file.read_text()
        assert "http://" not in text
        assert "https://" not in text
        assert "innerHTML" not in text
        assert "localStorage" not in text
        assert ".style" not in text
    page = (PAGE / "watch.html").read_text()
    assert "<style" not in page
    assert "style=" not in page
    assert page.count("<script ") == page.count("<script") == 1
