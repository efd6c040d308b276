"""Firefox, driven by a script in Node."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from dev.service import ROOT
from tests.support.eventually import eventually

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
FOLDER = ROOT / "tests" / "player" / "browsers"


def missing() -> str | None:
    """What Firefox needs and this machine does not have, as a reason to skip."""
    if FIREFOX is None:
        return "needs Firefox: install the package firefox-esr"
    if not (FOLDER / "node_modules" / "puppeteer-core").exists():
        return "needs tests/player/browsers/node_modules: run `make test-player`"
    return None


class Firefox:
    def __init__(self, log: Path) -> None:
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                ["node", str(FOLDER / "firefox.mjs"), str(FIREFOX)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )

    def open(self, url: str) -> FirefoxTab:
        return FirefoxTab(self, self.send("open", url=url))

    def send(self, name: str, **given: Any) -> Any:
        """Raises RuntimeError if the browser refuses the command."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"name": name} | given).encode() + b"\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["value"]

    def close(self) -> None:
        self._process.communicate(timeout=60)


class FirefoxTab:
    def __init__(self, browser: Firefox, number: int) -> None:
        self._browser = browser
        self._number = number

    def goto(self, url: str) -> None:
        self._browser.send("goto", page=self._number, url=url)

    def back(self) -> None:
        self.evaluate("void setTimeout(() => history.back(), 50)")

    def evaluate(self, expression: str) -> Any:
        return self._browser.send("evaluate", page=self._number, expression=expression)

    def wait_for(self, expression: str) -> None:
        """Wait until `expression` is true. A page that is loading counts as false."""
        eventually(lambda: self._is_true(expression), within=60)

    def _is_true(self, expression: str) -> bool:
        try:
            return bool(self.evaluate(expression))
        except RuntimeError:
            return False

    def to_front(self) -> None:
        self._browser.send("front", page=self._number)

    def close(self) -> None:
        self._browser.send("close", page=self._number)
