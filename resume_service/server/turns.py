"""Turns: clients share the time of a process.

A greenlet runs until it waits for something. A client that never pauses always has bytes to read,
so its greenlet would never wait, and no other client would be served. Therefore:

- Each receive waits for the event loop, even if bytes are there already. So one iteration of the
  event loop serves at most one request of each connection in the fast lane.
- A slow step needs a turn: it waits in one queue with the slow steps of all clients. Each iteration
  of the event loop runs only one of them. A slow step is the start of a request that Flask answers,
  a part of its body, a request whose client did not wait for the previous response (pipelining), or
  a part of a long response.

So a save waits for at most one slow step in each iteration, however many clients send them.
"""

from __future__ import annotations

from collections import deque

import gevent
from gevent.hub import Waiter


class Turns:
    """Runs one waiting greenlet in each iteration of the event loop, in the order of arrival."""

    def __init__(self) -> None:
        loop = gevent.get_hub().loop
        # With the highest priority, an idle watcher runs in each iteration, also in a busy one.
        self._each_iteration = loop.idle(priority=loop.MAXPRI)
        self._waiting: deque[Waiter] = deque()

    def wait(self) -> None:
        """Wait for the turn of the current greenlet."""
        waiter = Waiter()
        if not self._waiting:
            self._each_iteration.start(self._run_next)
        self._waiting.append(waiter)
        waiter.get()

    def _run_next(self) -> None:
        waiter = self._waiting.popleft()
        if not self._waiting:
            self._each_iteration.stop()
        waiter.switch(None)
