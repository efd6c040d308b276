"""Measures how many responses show another viewer's data, while stray replies reach the service.

python -m tests.support.torture.mix_ups [replies]
"""

from __future__ import annotations

import sys
import time

from tests.support.torture.crowd import Crowd
from tests.support.torture.stack import TortureStack, temporary_stack
from tests.support.torture.tally import HEADER, Tally

REPLIES = 100_000
PROBABILITY = 0.001
"""Of a stray reply, and the same of a duplicated reply."""
POLL_SECONDS = 0.25


class Replies:
    """Whether enough replies have passed the proxy. Asks the proxy four times a second."""

    def __init__(self, stack: TortureStack, wanted: int) -> None:
        self._proxy = stack.proxy
        self._until = stack.proxy.counts().get("replies", 0) + wanted
        self._next_poll = 0.0
        self._enough = False

    def __call__(self) -> bool:
        if not self._enough and time.monotonic() > self._next_poll:
            self._next_poll = time.monotonic() + POLL_SECONDS
            self._enough = self._proxy.counts().get("replies", 0) >= self._until
        return self._enough


def measure(stack: TortureStack, replies: int, probability: float = PROBABILITY) -> Tally:
    """Let 50 viewers work until `replies` replies have passed. Return what they saw."""
    crowd = Crowd(stack.service.port)
    stack.proxy.plan(stray=probability, duplicate=probability)
    tally = crowd.run(600, pause=0.01, enough=Replies(stack, replies))
    stack.proxy.clean()
    stack.proxy.reset()
    crowd.verify(tally)
    return tally


def main() -> None:
    replies = int(sys.argv[1]) if len(sys.argv) > 1 else REPLIES
    with temporary_stack() as stack:
        started = time.monotonic()
        tally = measure(stack, replies)
        counts = stack.proxy.counts()
    print(HEADER)
    print(tally.row(f"{replies} replies"))
    print(*tally.examples, sep="\n")
    print(f"proxy: {counts}, seconds: {time.monotonic() - started:.0f}")


if __name__ == "__main__":
    main()
