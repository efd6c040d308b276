"""WebKit of Debian, by WebDriver over HTTP, on a virtual display."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from dev.service import free_port
from tests.support.eventually import eventually

DRIVER, DISPLAY_SERVER = shutil.which("WebKitWebDriver"), shutil.which("Xvfb")
BROWSERS = sorted(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))
TIMEOUT = 30.0


def missing() -> str | None:
    """What WebKit needs and this machine does not have, as a reason to skip."""
    if DRIVER is None or not BROWSERS:
        return "needs WebKit: install the package webkit2gtk-driver"
    if DISPLAY_SERVER is None:
        return "needs a display for WebKit: install the package xvfb"
    return None


class WebKit:
    """A session with one window."""

    def __init__(self, port: int) -> None:
        self._port = port
        options = {"binary": str(BROWSERS[-1]), "args": ["--automation"]}
        given = {"alwaysMatch": {"webkitgtk:browserOptions": options}}
        self._session = ""
        self._session = self._call("POST", "/session", {"capabilities": given})["sessionId"]
        self._call("POST", "/timeouts", {"script": 30_000, "pageLoad": 30_000})

    def goto(self, url: str) -> None:
        self._call("POST", "/url", {"url": url})

    def back(self) -> None:
        self._call("POST", "/back", {})

    def new_window(self) -> None:
        """Open an empty tab, and continue there."""
        handle = self._call("POST", "/window/new", {"type": "tab"})["handle"]
        self._call("POST", "/window", {"handle": handle})

    def close_window(self) -> None:
        self._call("DELETE", "/window")

    def switch(self, number: int) -> None:
        """Continue in the window with that number, in order of opening."""
        handle = self._call("GET", "/window/handles")[number]
        self._call("POST", "/window", {"handle": handle})

    def click(self, selector: str) -> None:
        """Click as a person does: WebKit plays nothing without that."""
        found = self._call("POST", "/element", {"using": "css selector", "value": selector})
        self._call("POST", f"/element/{next(iter(found.values()))}/click", {})

    def evaluate(self, expression: str) -> Any:
        """The value of `expression`, awaited if it is a promise."""
        script = (
            "const done = arguments[0];"
            f" (async () => ({expression}))().then((value) => done({{value}}),"
            " (error) => done({error: String(error)}))"
        )
        result = self._call("POST", "/execute/async", {"script": script, "args": []})
        if "error" in result:
            raise RuntimeError(result["error"])
        return result.get("value")

    def wait_for(self, expression: str) -> None:
        eventually(lambda: self.evaluate(expression), within=TIMEOUT)

    def close(self) -> None:
        self._call("DELETE", "")

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        prefix = f"/session/{self._session}" if self._session else ""
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT)) as connection:
            text = json.dumps(body) if body is not None else None
            connection.request(method, prefix + path, text)
            response = connection.getresponse()
            value = json.loads(response.read())["value"]
        if response.status != 200:
            raise RuntimeError(f"{method} {path}: {value}")
        return value


@contextmanager
def webkit_driver(folder: Path) -> Iterator[int]:
    """The port of a running driver, with a display of its own."""
    reader, writer = os.pipe()
    command = [str(DISPLAY_SERVER), "-displayfd", str(writer), "-screen", "0", "1280x800x24"]
    with (folder / "webkit.log").open("wb") as log:
        output: Any = {"stdout": log, "stderr": log, "stdin": subprocess.DEVNULL}
        display = subprocess.Popen(command, pass_fds=(writer,), **output)
        os.close(writer)
        assert select.select([reader], [], [], TIMEOUT)[0], "the display did not start"
        with os.fdopen(reader) as numbers:
            number = numbers.readline().strip()
        port = free_port()
        env = os.environ | {
            "DISPLAY": f":{number}",
            "HOME": str(folder),
            "LIBGL_ALWAYS_SOFTWARE": "1",
        }
        bus = ["dbus-run-session", "--"] if shutil.which("dbus-run-session") else []
        driver = subprocess.Popen(
            [*bus, str(DRIVER), f"--port={port}"], env=env, start_new_session=True, **output
        )
        try:
            eventually(lambda: _is_ready(port), within=TIMEOUT)
            yield port
        finally:
            os.killpg(driver.pid, signal.SIGKILL)  # also the bus and a browser that is left
            display.terminate()
            for each in (driver, display):
                each.wait(TIMEOUT)


def _is_ready(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/status")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
