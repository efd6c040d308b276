"""Fifty checking viewers at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from tests.support.torture.tally import Tally
from tests.support.torture.viewer import CheckingViewer

TIMEOUT = 10.0
"""Seconds without a response until a viewer counts a request as refused."""
VIEWERS = 50
PAUSE = 0.03
"""Seconds between two requests of a viewer, on average."""


class Crowd:
    """Viewers of the service at `port`. They know their points from one phase to the next.

    Their numbers begin with `first`. Two crowds of one Redis need different numbers.
    """

    def __init__(
        self, port: int, viewers: int = VIEWERS, timeout: float = TIMEOUT, first: int = 1
    ) -> None:
        numbers = range(first, first + viewers)
        self.viewers = [CheckingViewer(number, port, Tally(), timeout) for number in numbers]

    def run(
        self,
        seconds: float,
        *,
        pause: float = PAUSE,
        enough: Callable[[], bool] = lambda: False,
        are_values_garbled: bool = False,
        saves_only: bool = False,
    ) -> Tally:
        """Let all viewers work for `seconds`, or until `enough()`. Return what they saw."""
        tally = Tally(are_values_garbled)
        until = time.monotonic() + seconds

        def is_over() -> bool:
            return time.monotonic() > until or enough()

        asyncio.run(self._run(tally, is_over, pause, saves_only=saves_only))
        return tally

    def verify(self, tally: Tally) -> None:
        """Read every point. Add what is lost to `tally`, and nothing else."""
        at_end = Tally()
        asyncio.run(self._verify(at_end))
        tally.faults += at_end.faults
        tally.examples += at_end.examples

    async def _run(
        self, tally: Tally, until: Callable[[], bool], pause: float, *, saves_only: bool
    ) -> None:
        for viewer in self.viewers:
            viewer.tally = tally
        try:
            work = [viewer.run(until, pause, saves_only=saves_only) for viewer in self.viewers]
            await asyncio.gather(*work)
        finally:
            await self._close()

    async def _verify(self, tally: Tally) -> None:
        for viewer in self.viewers:
            viewer.tally = tally
        try:
            await asyncio.gather(*(viewer.verify() for viewer in self.viewers))
        finally:
            await self._close()

    async def _close(self) -> None:
        """Close the connections before their event loop ends."""
        for viewer in self.viewers:
            viewer.close()
        await asyncio.sleep(0.01)
