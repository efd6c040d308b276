"""Chromium without Playwright, which keeps each page visible and disables the back/forward cache.

It speaks the DevTools protocol over two pipes. So a test can kill the browser at any moment.
"""

from __future__ import annotations

import itertools
import json
import os
import select
import shutil
import signal
import time
from pathlib import Path
from typing import Any

from tests.support.tokens import token

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--mute-audio",
    "--host-resolver-rules=MAP insecure.test 127.0.0.1",
    "--autoplay-policy=no-user-gesture-required",
)
TIMEOUT = 30.0


class PlainChromium:
    """A browser with its profile in `profile`. A second browser with that profile has its storage."""

    def __init__(self, profile: Path) -> None:
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        self._numbers = itertools.count(1)
        self._received = b""
        nothing = [(os.POSIX_SPAWN_OPEN, each, os.devnull, os.O_RDWR, 0) for each in range(3)]
        self.pid = os.posix_spawn(
            str(CHROMIUM),
            [str(CHROMIUM), *SWITCHES, "--remote-debugging-pipe", f"--user-data-dir={profile}"],
            dict(os.environ),
            file_actions=[
                *nothing,
                (os.POSIX_SPAWN_DUP2, to_browser, 3),
                (os.POSIX_SPAWN_DUP2, from_browser, 4),
            ],
            setsid=True,
        )
        self._is_running = True
        os.close(to_browser)
        os.close(from_browser)

    def open(self, url: str) -> PlainTab:
        """Open `url` in a new tab in front."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = PlainTab(self, target, session)
        tab.send("Page.enable")
        tab.goto(url)
        return tab

    def send(self, method: str, *, session: str | None = None, **params: Any) -> Any:
        """Call `method` and return its result. Raises RuntimeError if the browser refuses it."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + TIMEOUT
        while True:
            answer = self._next(deadline)
            if answer.get("id") == number:
                break
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def kill(self) -> None:
        """Kill all its processes at once, as the end of a battery does."""
        if self._is_running:
            os.killpg(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self._is_running = False
        if self._write >= 0:
            os.close(self._write)
            os.close(self._read)
            self._write = -1

    def close(self) -> None:
        """Close it as a person does, and wait for its end."""
        if self._is_running:
            self.send("Browser.close")
            os.waitpid(self.pid, 0)
            self._is_running = False
        self.kill()

    def _next(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._received:
            ready, _, _ = select.select([self._read], [], [], max(0.0, deadline - time.monotonic()))
            data = os.read(self._read, 1 << 20) if ready else b""
            if not data:
                raise RuntimeError("the browser does not answer")
            self._received += data
        message, _, self._received = self._received.partition(b"\0")
        return dict(json.loads(message))


class PlainTab:
    def __init__(self, browser: PlainChromium, target: str, session: str) -> None:
        self.browser = browser
        self._target = target
        self._session = session

    def send(self, method: str, **params: Any) -> Any:
        return self.browser.send(method, session=self._session, **params)

    def goto(self, url: str) -> None:
        self.send("Page.navigate", url=url)
        self.wait_for(f"document.readyState === 'complete' && location.href === {json.dumps(url)}")

    def evaluate(self, expression: str) -> Any:
        """The value of `expression`, awaited if it is a promise. Raises RuntimeError for a throw."""
        result = self.send(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"]["exception"].get("description"))
        return result["result"].get("value")

    def wait_for(self, expression: str, within: float = TIMEOUT) -> None:
        """Wait until `expression` is true. A page that is loading counts as false."""
        deadline = time.monotonic() + within
        while not self._is_true(expression):
            assert time.monotonic() < deadline, f"not within {within} s: {expression}"
            time.sleep(0.02)

    def to_front(self) -> None:
        """Show this tab, which hides the others of its window."""
        self.browser.send("Target.activateTarget", targetId=self._target)

    def close(self) -> None:
        self.browser.send("Target.closeTarget", targetId=self._target)

    def _is_true(self, expression: str) -> bool:
        try:
            return bool(self.evaluate(expression))
        except RuntimeError:
            return False


def start(tab: PlainTab, src: str = "/media/sea.webm", user: str = "ann", **options: Any) -> None:
    """Play `src` in the test page, as `Tab.start` does."""
    given = {"videoId": "v1", "live": False, "token": token(user), "src": src} | options
    tab.wait_for("globalThis.player")
    tab.evaluate(f"player.start({json.dumps(given)}).then(() => null)")
