"""Real browsers, the test page and the real service.

Each test ends with a check that the package has thrown nothing into the page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.service import Service
from tests.support.player.files import FOLDERS
from tests.support.player.front import Front
from tests.support.player.plain_chromium import CHROMIUM, SWITCHES, PlainChromium
from tests.support.player.tab import Tab
from tests.support.player.viewer import Viewer

TIMEOUT_MS = 30_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("player")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Chromium, run by Playwright."""
    if CHROMIUM is None:
        pytest.skip("needs a browser: install the package chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=list(SWITCHES))
        yield opened
        opened.close()


@pytest.fixture
def front(service: Service) -> Iterator[Front]:
    """The web server in front of the service, which has no points yet."""
    with Front(service.port, FOLDERS).running() as running:
        yield running


@pytest.fixture
def ann(service: Service) -> Viewer:
    """Another device of the viewer Ann."""
    return Viewer(service.port)


@pytest.fixture
def new_tab(chromium: Any, front: Front) -> Iterator[Callable[..., Tab]]:
    """`new_tab()` opens the test page in a new browser profile, `new_tab(beside=tab)` in the same."""
    contexts, tabs = [], []

    def opened(beside: Tab | None = None, **path: str) -> Tab:
        if beside is None:
            contexts.append(chromium.new_context())
            contexts[-1].set_default_timeout(TIMEOUT_MS)
        context = beside.page.context if beside else contexts[-1]
        tabs.append(Tab(context.new_page(), front, **path))
        return tabs[-1]

    yield opened
    errors = [tab.errors for tab in tabs if tab.is_open]
    for context in contexts:
        context.close()
    assert not any(errors)


@pytest.fixture
def tab(new_tab: Callable[..., Tab]) -> Tab:
    return new_tab()


@pytest.fixture
def plain_chromium(tmp_path: Path) -> Iterator[Callable[[], PlainChromium]]:
    """`plain_chromium()` starts a browser; all of a test have the same profile."""
    if CHROMIUM is None:
        pytest.skip("needs a browser: install the package chromium")
    started: list[PlainChromium] = []

    def start() -> PlainChromium:
        started.append(PlainChromium(tmp_path / "profile"))
        return started[-1]

    yield start
    for each in started:
        each.kill()
