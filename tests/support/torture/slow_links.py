"""Measures the slowest response while the link between the service and Redis is slow.

python -m tests.support.torture.slow_links [seconds]
"""

from __future__ import annotations

import asyncio
import sys
import time

from tests.support.tokens import bearer
from tests.support.torture.crowd import Crowd
from tests.support.torture.http_client import HttpConnection
from tests.support.torture.stack import TortureStack, temporary_stack
from tests.support.torture.tally import HEADER, Fault, Tally
from tests.support.torture.viewer import CheckingViewer

DRIP_SECONDS = 0.1
SLOW_LINK = 30 * 1024
"""Bytes a second."""
POINTS = 1000
PATIENCE = 40.0
"""Seconds. Longer than any response should take, to measure how long it takes."""
BIG_LIST_USER = "torture-big-list"


def dripping(stack: TortureStack, seconds: float, viewers: int = 5) -> Tally:
    """Let viewers work while each reply of Redis comes with one byte each 100 ms."""
    crowd = Crowd(stack.service.port, viewers, PATIENCE)
    stack.proxy.link(drip=DRIP_SECONDS)
    tally = crowd.run(seconds)
    stack.proxy.clean()
    stack.proxy.reset()
    crowd.verify(tally)
    return tally


def beside_a_large_list(stack: TortureStack, seconds: float) -> tuple[Tally, Tally]:
    """Let one viewer list 1,000 points over a slow link, again and again, while others save.

    Return what the others saw, and the responses of the lists.
    """
    return asyncio.run(_beside_a_large_list(stack, seconds))


async def _beside_a_large_list(stack: TortureStack, seconds: float) -> tuple[Tally, Tally]:
    port = stack.service.port
    others, lists = Tally(), Tally()
    big = HttpConnection(port, bearer(BIG_LIST_USER)["Authorization"], PATIENCE)
    for number in range(POINTS):
        body = {"clerkId": BIG_LIST_USER, "tmdbId": f"big-{number}", "currentTime": number}
        assert (await big.ask("POST", "/api/progress", "fill", body)).status == 204
    viewers = [CheckingViewer(number, port, others, PATIENCE) for number in range(1, 5)]
    stack.proxy.link(bytes_per_second=SLOW_LINK)
    until = time.monotonic() + seconds

    async def list_again() -> None:
        while time.monotonic() < until:
            answer = await big.ask("GET", f"/api/progress/{BIG_LIST_USER}", "list")
            times = lists.seconds_503 if answer.status == 503 else lists.seconds
            times.append(answer.seconds)
            if answer.status == 200:
                lists.seen["ok"] += 1
                if len(answer.json) != POINTS:
                    lists.fault(Fault.MIXED_UP, f"a list of {len(answer.json)} points")
            await asyncio.sleep(0.1)

    async def save_again(viewer: CheckingViewer) -> None:
        while time.monotonic() < until:
            await viewer.save("v1")
            await asyncio.sleep(0.05)

    try:
        await asyncio.gather(list_again(), *(save_again(viewer) for viewer in viewers))
    finally:
        stack.proxy.clean()
        for connection in (big, *viewers):
            connection.close()
    return others, lists


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 15.0
    with temporary_stack() as stack:
        print(HEADER)
        print(dripping(stack, seconds).row("one byte each 100 ms"))
        stack.proxy.reset()
        others, lists = beside_a_large_list(stack, seconds)
        print(others.row("saves beside a large list"))
        print(lists.row("large lists over 30 KiB/s"))


if __name__ == "__main__":
    main()
