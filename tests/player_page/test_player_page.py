"""`/watch`: each module that it loads is served."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import pytest

from resume_service import create_app
from resume_service.player_page.routes import PAGE
from resume_service.settings import Settings
from tests.support.tokens import SECRET

IMPORTED = re.compile(
    r"""^(?!\s*(?:\*|//|/\*)).*?(?:from|import\()\s*["']([./][^"']+)["']""", re.MULTILINE
)


@pytest.fixture(scope="module")
def client():
    settings = Settings(jwt_secret=SECRET, database_url="postgresql://nowhere.invalid/archive")
    return create_app(settings).test_client()


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
        waiting += [urljoin(url, name) for name in imported]

    own = {f"/watch/{path.name}" for path in PAGE.glob("*.js")}
    assert {url for url in loaded if re.fullmatch(r"/watch/[^/]+", url)} == own
    assert "/watch/resume-points/resume-points.js" in loaded
    assert "/site/site.js" in loaded
