"""Turns: clients share the time of a process.

All clients of a process share one thread. Code runs until it waits for something. A client that
never pauses always has bytes to read, so it could keep the thread for itself. Therefore:

- One iteration of the event loop reads at most one part of a request from each connection, and
  serves at most one request of each connection in the fast lane.
- A slow step needs a turn: it waits in a queue with the slow steps of all clients. Each iteration
  of the event loop runs only one of them. A slow step is the start of a request that Flask answers,
  a part of its body, its continuation after a reply of Redis, a request that was sent before the
  previous response (pipelining), or a part of a long response of Flask.

So a save waits for at most one slow step in each iteration, however many clients send them. There
are two queues. The first one is for the first steps of a request, if its client waited for the
previous response. So a client that sends one short request waits for few others. The second queue
is for all other steps. The queues alternate.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable

import gevent
from gevent.hub import Waiter

SlowStep = Callable[[], object]


class Turns:
    """Runs one waiting step at the end of each iteration of the event loop.

    The step runs after all that this iteration received, and after the commands to Redis are sent.
    So a save waits for one step before it is read, and Redis works for it during the next one.
    """

    def __init__(self) -> None:
        loop = gevent.get_hub().loop
        # With the highest priority, an idle watcher runs in each iteration, also in a busy one.
        self._each_iteration = loop.idle(priority=loop.MAXPRI)
        self._run_callback = loop.run_callback
        self._next: deque[SlowStep] = deque()
        """The queue that has the next turn, if a step waits in it."""
        self._after_next: deque[SlowStep] = deque()
        self._first_steps, self._further_steps = self._next, self._after_next

    def add(self, step: SlowStep, *, is_first_step: bool) -> None:
        """Run `step` when it has its turn."""
        if not (self._next or self._after_next):
            self._each_iteration.start(self._schedule)
        (self._first_steps if is_first_step else self._further_steps).append(step)

    def wait(self, *, is_first_step: bool) -> None:
        """Wait for the turn of the current greenlet."""
        waiter = Waiter()
        self.add(functools.partial(waiter.switch, None), is_first_step=is_first_step)
        waiter.get()

    def _schedule(self) -> None:
        """Run a step after the callbacks of this iteration, and after those that they add."""
        self._run_callback(self._run_callback, self._run_callback, self._run_next)

    def _run_next(self) -> None:
        self._next, self._after_next = self._after_next, self._next
        queue = self._after_next or self._next
        if queue:
            step = queue.popleft()
            if not (self._next or self._after_next):
                self._each_iteration.stop()
            step()
