"""One connection of the service through the proxy, and its connection to Redis."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.support.torture.faults import HOLD_SECONDS, Step
from tests.support.torture.resp import Splitter

if TYPE_CHECKING:
    from tests.support.torture.proxy import Proxy

CHUNK = 256
"""Bytes of a reply that take their turn on a slow link."""


class Side(asyncio.Protocol):
    """One end of a link."""

    def __init__(
        self, made: Callable[[], None], received: Callable[[bytes], None], lost: Callable[[], None]
    ) -> None:
        self.transport: asyncio.Transport | None = None
        self._made = made
        self._lost = lost
        self.data_received = received

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._made()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost()

    def write(self, data: bytes) -> None:
        if self.transport and not self.transport.is_closing():
            self.transport.write(data)

    def close(self) -> None:
        """Close it after the bytes that were written."""
        if self.transport:
            self.transport.close()


class Link:
    """Passes commands and replies on, in their order, with the faults of the proxy."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._loop = asyncio.get_running_loop()
        self.service_side = Side(self._connect, self._on_commands, self._on_service_lost)
        self._redis_side = Side(self._on_connected, self._on_replies, self.service_side.close)
        self._commands, self._replies = Splitter(), Splitter()
        self._sent: deque[bytes] = deque()
        """The commands without a reply so far. The replies come in this order."""
        self._held: list[bytes] | None = []
        """The commands that wait: for the connection to Redis, or for the end of a hold."""
        self._steps: deque[Step] = deque()
        self._is_waiting = False
        """True while the first of `_steps` waits for its time."""
        self._is_lost = False
        """True after the service has closed its connection."""

    def release(self) -> None:
        """Pass on all commands that were held back, also if their caller gave up."""
        held, self._held = self._held or [], None
        for command in held:
            self._forward(command)
        if self._is_lost:
            self._proxy.links.discard(self)
            self._redis_side.close()

    def _connect(self) -> None:
        self._proxy.links.add(self)
        self._proxy.traffic["connections"] += 1
        port = self._proxy.redis_port
        connecting = self._loop.create_connection(lambda: self._redis_side, "127.0.0.1", port)
        self._connecting = self._loop.create_task(self._end_with(connecting))

    async def _end_with(self, connecting: object) -> None:
        try:
            await connecting  # type: ignore[misc]
        except OSError:
            self.service_side.close()  # Redis is not running

    def _on_connected(self) -> None:
        self.release()

    def _on_service_lost(self) -> None:
        self._is_lost = True
        self._steps.clear()
        if not self._held:  # otherwise `release` passes these commands on, and closes it
            self._proxy.links.discard(self)
            self._redis_side.close()

    def _on_commands(self, data: bytes) -> None:
        proxy = self._proxy
        for command in self._commands.feed(data):
            proxy.see(command)
            if self._held is None and self._is_cut(command):
                return
            if self._held is None and proxy.held_token and proxy.held_token in command:
                self._held = []
            if self._held is None:
                self._forward(command)
            else:
                self._held.append(command)

    def _is_cut(self, command: bytes) -> bool:
        """Cut or hold the connection here, if the plan says so. Return whether it was cut."""
        at, fault = self._proxy.take_cut("request", command), self._proxy.faults.for_request()
        if fault == "hold_request":
            self._held = []
            self._loop.call_later(HOLD_SECONDS, self.release)
        if at is None and fault == "cut_request":
            at = self._proxy.faults.cut_at("request", command)
        if at is None:
            return False
        self._redis_side.write(command[:at])
        self._redis_side.close()
        self.service_side.close()
        return True

    def _forward(self, command: bytes) -> None:
        self._sent.append(command)
        self._redis_side.write(command)

    def _on_replies(self, data: bytes) -> None:
        for reply in self._replies.feed(data):
            self._proxy.traffic["replies"] += 1
            command = self._sent.popleft()
            if self._proxy.watches(command):
                self._proxy.last_sizes["reply"] = len(reply)
            if self._is_lost:
                continue
            at = self._proxy.take_cut("reply", command)
            if at is not None:
                self._steps += [(0.0, reply[:at]), (0.0, None)]
            elif self._proxy.drip_all:
                self._steps += [(self._proxy.drip_all, bytes([byte])) for byte in reply]
            else:
                self._steps += self._proxy.faults.for_reply(reply)
        self._next_steps()

    def _next_steps(self) -> None:
        """Take the steps in their order. Come back if a step must wait."""
        while self._steps and not self._is_waiting:
            seconds, data = self._steps[0]
            if data is not None and self._proxy.bytes_per_second:
                if len(data) > CHUNK:
                    self._steps[0] = (0.0, data[CHUNK:])
                    self._steps.appendleft((seconds, data[:CHUNK]))
                    data = data[:CHUNK]
                seconds += self._proxy.turn(len(data))
            if seconds:
                self._is_waiting = True
                self._loop.call_later(seconds, self._after_wait)
                return
            self._take_step()

    def _after_wait(self) -> None:
        self._is_waiting = False
        if self._steps:
            self._take_step()
            self._next_steps()

    def _take_step(self) -> None:
        _, data = self._steps.popleft()
        if data is not None:
            self.service_side.write(data)
            return
        self._steps.clear()
        with contextlib.suppress(OSError):
            self.service_side.close()
