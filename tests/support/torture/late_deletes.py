"""Measures whether the service sends a command to Redis after its caller has got a 503.

    python -m tests.support.torture.late_deletes [rounds]

The proxy holds a DELETE back until its caller has got the 503. Then the viewer saves, and gets a
204. Then the proxy passes the DELETE on. It erases the point if Redis executes it: it was sent
before the 503, so only a tombstone can prevent that.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass

from tests.support.tokens import bearer
from tests.support.torture.http_client import HttpConnection
from tests.support.torture.stack import TortureStack, temporary_stack

USER = "torture-late"
BREAKER_SECONDS = 0.4
"""Seconds after a 503. Then the service sends commands to Redis again."""


@dataclass(frozen=True, slots=True)
class Round:
    """What happened to one DELETE and the save after it."""

    status: int
    seconds: float
    """Until the response to the DELETE."""
    sent_before: int
    """Commands for the video that reached the proxy before the response to the DELETE."""
    sent_after: int
    """The same, after that response and before the save."""
    erased: bool
    """Whether the acknowledged save was gone at the end."""


def measure(stack: TortureStack, rounds: int) -> list[Round]:
    return asyncio.run(_measure(stack, rounds))


async def _measure(stack: TortureStack, rounds: int) -> list[Round]:
    connection = HttpConnection(stack.service.port, bearer(USER)["Authorization"])
    try:
        # Redis does not know the script of the first DELETE, so that one would erase nothing.
        await connection.ask("DELETE", f"/api/progress/{USER}/none", "first")
        return [await _round(stack, connection, f"late-{number}") for number in range(rounds)]
    finally:
        connection.close()
        await asyncio.sleep(0.01)


async def _round(stack: TortureStack, connection: HttpConnection, video: str) -> Round:
    path = f"/api/progress/{USER}/{video}"
    body = {"clerkId": USER, "tmdbId": video, "currentTime": 1}
    assert (await connection.ask("POST", "/api/progress", "first", body)).status == 204
    stack.proxy.watch(video)
    stack.proxy.hold(video)
    deleted = await connection.ask("DELETE", path, "delete")
    await asyncio.sleep(BREAKER_SECONDS)
    arrivals = stack.proxy.arrivals()
    stack.proxy.clean()
    saved = await connection.ask("POST", "/api/progress", "second", body | {"currentTime": 2})
    assert saved.status == 204, saved
    stack.proxy.release()
    await asyncio.sleep(0.05)
    found = await connection.ask("GET", path, "read")
    before = sum(at <= deleted.received_at for at, _ in arrivals)
    return Round(
        deleted.status, deleted.seconds, before, len(arrivals) - before, found.status == 404
    )


def main() -> None:
    with temporary_stack() as stack:
        rounds = measure(stack, int(sys.argv[1]) if len(sys.argv) > 1 else 5)
    for each in rounds:
        print(each)
    print(f"sent after the 503: {sum(each.sent_after for each in rounds)}")
    print(f"acknowledged saves erased: {sum(each.erased for each in rounds)} of {len(rounds)}")


if __name__ == "__main__":
    main()
