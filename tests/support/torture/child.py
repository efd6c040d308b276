"""A process of the tests that takes orders: one JSON line for each order, one for each result."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from dev.service import ROOT


class Child:
    """Runs `python -m <module>`. Its first line is its first result, for example its port."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )
        self.first_result = self._result()

    def ask(self, **order: Any) -> Any:
        """Send an order and return its result. Raises RuntimeError if the process has ended."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._result()

    def stop(self) -> None:
        """Kill the process. It keeps no state that matters."""
        self._process.kill()
        self._process.communicate()

    def _result(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a process of the test ended: {self._process.args}")
        return json.loads(line)


async def serve_json(first_result: Any, obey: Callable[[dict[str, Any]], Any]) -> None:
    """Print `first_result`. Then obey the orders of standard input until its end."""
    orders = asyncio.StreamReader(limit=1 << 20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    _print(first_result)
    while line := await orders.readline():
        _print(obey(json.loads(line)))


def _print(result: Any) -> None:
    sys.stdout.write(json.dumps(result) + "\n")
    sys.stdout.flush()
