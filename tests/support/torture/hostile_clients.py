"""Starts and stops hostile clients. They run in a process of their own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tests.support.torture.child import Child


class HostileClients:
    """Clients that attack the server at `port`."""

    def __init__(self, port: int) -> None:
        self._child = Child("tests.support.torture.hostile", str(port))

    @contextlib.contextmanager
    def attacking(
        self, numbers: dict[str, int], reconnect: float = 0.0
    ) -> Iterator[dict[str, int]]:
        """Run `numbers` of each kind inside the context. The kinds are in `hostile_kinds.py`.

        `reconnect` is the number of seconds until a closed client connects again. After the
        context, the dictionary contains the numbers of connections and of bytes sent.
        """
        counts: dict[str, int] = {}
        self._child.ask(numbers=numbers, reconnect=reconnect)
        try:
            yield counts
        finally:
            counts |= self._child.ask(numbers={})

    def stop(self) -> None:
        self._child.stop()
