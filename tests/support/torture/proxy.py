"""A process between the service and Redis that adds faults. `proxy_process.py` starts it.

It understands commands and replies, so that each fault hits exactly one of them. It reads both
sides at once, and holds back what must wait. So the time at which a command arrives here is the time
at which the service sent it.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from typing import Any

from tests.support.torture.child import serve_json
from tests.support.torture.faults import Faults
from tests.support.torture.link import Link


class Proxy:
    """The connections, and the orders of the test."""

    def __init__(self, redis_port: int) -> None:
        self.redis_port = redis_port
        self.faults = Faults()
        self.links: set[Link] = set()
        self.traffic: Counter[str] = Counter()
        self.last_sizes = {"request": 0, "reply": 0}
        self.bytes_per_second = 0.0
        """The speed of the link to the service, for all connections together. 0: no limit."""
        self.drip_all = 0.0
        """Seconds between two bytes of every reply. 0: replies do not drip."""
        self.held_token = b""
        """Hold back each command that contains this text, until `release`."""
        self.next_cuts: list[tuple[str, int]] = []
        """Cut the next replies or requests: `reply` or `request`, and the number of bytes."""
        self.cut_token = b""
        """`next_cuts` concerns only commands that contain this text, and their replies."""
        self.watched_token = b""
        self.arrivals: list[tuple[float, str]] = []
        """Time and text of each command that contains `watched_token`. time.monotonic, seconds."""
        self._link_free_at = 0.0

    def turn(self, size: int) -> float:
        """Return the seconds until `size` bytes have passed the link to the service."""
        now = time.monotonic()
        self._link_free_at = max(now, self._link_free_at) + size / self.bytes_per_second
        return self._link_free_at - now

    def watches(self, command: bytes) -> bool:
        return bool(self.watched_token) and self.watched_token in command

    def see(self, command: bytes) -> None:
        self.traffic["commands"] += 1
        if self.watches(command):
            self.last_sizes["request"] = len(command)
            self.arrivals.append((time.monotonic(), command.decode("utf-8", "replace")))

    def take_cut(self, side: str, command: bytes) -> int | None:
        """Return the position of the next ordered cut, if this frame must be cut."""
        cuts = self.next_cuts
        if cuts and cuts[0][0] == side and self.cut_token in command:
            self.faults.counts[f"cut_{side}"] += 1
            self.faults.cuts.add(cuts[0])
            return cuts.pop(0)[1]
        return None

    def obey(self, order: dict[str, Any]) -> Any:
        """Carry out one order of the test, and return its result."""
        return getattr(self, f"do_{order.pop('do')}")(**order)

    def do_plan(self, faults: dict[str, float], seed: int) -> None:
        self.faults.plan(faults, seed)

    def do_link(self, bytes_per_second: float = 0.0, drip: float = 0.0) -> None:
        self.bytes_per_second, self.drip_all = bytes_per_second, drip

    def do_hold(self, token: str) -> None:
        self.held_token = token.encode()

    def do_release(self) -> None:
        self.held_token = b""
        for link in tuple(self.links):
            link.release()

    def do_reset(self) -> None:
        for link in tuple(self.links):
            link.service_side.close()

    def do_watch(self, token: str) -> None:
        self.watched_token, self.arrivals = token.encode(), []

    def do_arrivals(self) -> list[tuple[float, str]]:
        return self.arrivals

    def do_cut(self, cuts: list[list[Any]], token: str = "") -> None:
        self.next_cuts, self.cut_token = [(side, at) for side, at in cuts], token.encode()

    def do_last_sizes(self) -> dict[str, int]:
        return self.last_sizes

    def do_counts(self) -> dict[str, int]:
        positions = Counter(f"positions_{side}" for side, _ in self.faults.cuts)
        return {**self.traffic, **self.faults.counts, **positions}


async def main(redis_port: int) -> None:
    loop = asyncio.get_running_loop()
    proxy = Proxy(redis_port)
    server = await loop.create_server(lambda: Link(proxy).service_side, "127.0.0.1", 0)
    await serve_json(server.sockets[0].getsockname()[1], proxy.obey)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
