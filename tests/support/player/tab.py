"""The test page in a tab of Playwright, in the words of the tests."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

from tests.support.eventually import eventually
from tests.support.player.front import PASS, Front
from tests.support.tokens import token

PAGE = "/player/index.html"
SEA, DUSK = "/media/sea.webm", "/media/dusk.webm"
"""Videos of 90 and 150 s."""


class Tab:
    """A tab with the test page, at `path` of the front."""

    def __init__(self, page: Page, front: Front, path: str = PAGE) -> None:
        self.page = page
        self.front = front
        page.goto(front.address + path)
        page.wait_for_function("globalThis.player !== undefined")

    def start(self, src: str | None = SEA, *, user: str = "ann", **options: Any) -> None:
        """Play `src`, or a FakeMedia with `fake`. Other options are those of `watch`."""
        given = {"videoId": "v1", "live": False, "token": token(user), "src": src} | options
        if "fake" in given:
            given["src"] = None
        self.page.evaluate("given => player.start(given)", given)

    def do(self, script: str, argument: Any = None) -> Any:
        """Run `script` with `media`, `watching` and `it`, the argument. Returns its value."""
        body = script if "return" in script or ";" in script else f"return ({script})"
        return self.page.evaluate(
            f"it => (async ({{media, watching}}) => {{ {body} }})(player)", argument
        )

    def settled(self, waiting: int = 0) -> None:
        """Wait until the page sends nothing more, and waits for at most `waiting` responses."""
        self.page.evaluate("waiting => player.settled(waiting)", waiting)

    def close_undelivered(self) -> None:
        """Close the tab of a service that refuses saves. After that, the service works again."""
        before = len(self.front.saves)
        self.page.close()
        eventually(
            lambda: len(self.front.saves) > before
        )  # the page has sent its queue a last time
        self.front.always(PASS)
        self.front.requests.clear()

    @property
    def time(self) -> float:
        """Position of the media in seconds."""
        return float(self.do("media.currentTime"))

    def reaches(self, seconds: float) -> None:
        """Wait until the media plays and has reached `seconds`."""
        self.page.wait_for_function(
            "at => player.media?.currentTime >= at && !player.media.seeking", arg=seconds
        )

    def events(self, name: str) -> list[Any]:
        """Details of the package's events `name` so far."""
        return [each.get("detail") for each in self.log if each["type"] == name]

    @property
    def log(self) -> list[dict[str, Any]]:
        return list(self.page.evaluate("player.log"))

    def event(self, name: str) -> Any:
        """The last `name`; waits for the first."""
        eventually(lambda: self.events(name))
        return self.events(name)[-1]

    @property
    def errors(self) -> list[str]:
        return list(self.page.evaluate("player.errors"))

    @property
    def is_open(self) -> bool:
        return not self.page.is_closed() and self.page.url != "about:blank"

    def reload(self) -> None:
        self.page.reload()
        self.page.wait_for_function("globalThis.player !== undefined")
