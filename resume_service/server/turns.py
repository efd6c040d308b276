"""Turns: clients share the time of a process.

A greenlet runs until it waits for something. A client that never pauses always has bytes to read,
so its greenlet would never wait, and no other client would be served. Therefore:

- Each receive waits for the event loop, even if bytes are there already. So one iteration of the
  event loop serves at most one request of each connection in the fast lane.
- A slow step needs a turn: it waits in a queue with the slow steps of all clients. Each iteration
  of the event loop runs only one of them. A slow step is the start of a request that Flask answers,
  a part of its body, a request that was sent before the previous response (pipelining), or a part
  of a long response.

So a save waits for at most one slow step in each iteration, however many clients send them. There
are two queues. The first one is for the first steps of a request, if its client waited for the
previous response. So a client that sends one short request waits for few others. The second queue
is for all other steps. The queues alternate.
"""

from __future__ import annotations

from collections import deque

import gevent
from gevent.hub import Waiter


class Turns:
    """Runs one waiting greenlet in each iteration of the event loop."""

    def __init__(self) -> None:
        loop = gevent.get_hub().loop
        # With the highest priority, an idle watcher runs in each iteration, also in a busy one.
        self._each_iteration = loop.idle(priority=loop.MAXPRI)
        self._next: deque[Waiter] = deque()
        """The queue that has the next turn, if a greenlet waits in it."""
        self._after_next: deque[Waiter] = deque()
        self._first_steps, self._further_steps = self._next, self._after_next

    def wait(self, *, is_first_step: bool) -> None:
        """Wait for the turn of the current greenlet."""
        waiter = Waiter()
        if not (self._next or self._after_next):
            self._each_iteration.start(self._run_next)
        (self._first_steps if is_first_step else self._further_steps).append(waiter)
        waiter.get()

    def _run_next(self) -> None:
        self._next, self._after_next = self._after_next, self._next
        waiter = (self._after_next or self._next).popleft()
        if not (self._next or self._after_next):
            self._each_iteration.stop()
        waiter.switch(None)
