"""Starts and orders the proxy between the service and Redis."""

from __future__ import annotations

from typing import Any

from tests.support.torture.child import Child


class RedisProxy:
    """The proxy as a child process. The service connects to `url`."""

    def __init__(self, redis_port: int) -> None:
        self._child = Child("tests.support.torture.proxy", str(redis_port))
        self.url = f"redis://127.0.0.1:{self._child.first_result}/0"

    def plan(self, seed: int = 1, **probabilities: float) -> None:
        """Give each command or reply a fault with these probabilities. None: no faults."""
        self._child.ask(do="plan", faults=probabilities, seed=seed)

    def link(self, **speed: float) -> None:
        """Set `bytes_per_second`, or `drip`: the seconds between two bytes. Nothing: full speed."""
        self._child.ask(do="link", **speed)

    def hold(self, token: str) -> None:
        """Hold back the commands that contain `token`, and the commands behind them."""
        self._child.ask(do="hold", token=token)

    def release(self) -> None:
        """Pass on all commands that were held back."""
        self._child.ask(do="release")

    def watch(self, token: str) -> None:
        """Record the commands that contain `token`."""
        self._child.ask(do="watch", token=token)

    def arrivals(self) -> list[tuple[float, str]]:
        """Return the time (time.monotonic, s) and text of the commands since `watch`."""
        return [(at, text) for at, text in self._child.ask(do="arrivals")]

    def cut(self, *cuts: tuple[str, int], token: str = "") -> None:
        """Cut the next commands or replies: (`request` or `reply`, bytes before the cut).

        Only commands that contain `token`, and their replies, are cut.
        """
        self._child.ask(do="cut", cuts=cuts, token=token)

    def clean(self) -> None:
        """End all faults. Commands that were held back by `hold` still wait for `release`."""
        self.plan()
        self.link()
        self.cut()
        self._child.ask(do="hold", token="")

    def reset(self) -> None:
        """Close the connections of the service. So no extra reply waits on one of them."""
        self._child.ask(do="reset")

    def counts(self) -> dict[str, Any]:
        """Return the numbers of commands, replies, connections, and faults of each kind."""
        counts: dict[str, Any] = self._child.ask(do="counts")
        return counts

    def last_sizes(self) -> dict[str, int]:
        """Return the bytes of the last watched command (`request`) and of its reply (`reply`)."""
        sizes: dict[str, int] = self._child.ask(do="last_sizes")
        return sizes

    def stop(self) -> None:
        self._child.stop()
