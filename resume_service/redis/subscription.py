"""One connection that receives the messages of channels (pub/sub).

Redis 7 has sharded channels. In a cluster, only the servers with the slot of a sharded channel get its
messages. An older server has only channels of which all servers of a cluster get the messages. A
subscription uses sharded channels if its server has them.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import redis

from resume_service.redis.attempt import Attempt
from resume_service.redis.call import Command, packed
from resume_service.redis.replies import INCOMPLETE, new_reader
from resume_service.redis.sharded_channels import has_sharded_channels

PING_SECONDS = 0.5
"""Seconds between two pings. They find a server that hangs."""
MAX_SILENCE = 1.0
"""Seconds without a byte after a ping after which the connection is lost."""
MESSAGES = ("smessage", "message")
UNSUBSCRIBED = ("sunsubscribe", "unsubscribe")

OnMessage = Callable[[str, str], None]
"""Called with a channel and a message, in the thread or greenlet of the connection."""


class Subscription:
    """Connects to the server of `client`. It does not reconnect: after its end, messages may be lost.

    `on_loss` is called if the connection is lost, but not after `close`. Any thread may call the methods.
    """

    def __init__(
        self,
        client: redis.Redis,
        timeout: float,
        on_message: OnMessage,
        on_loss: Callable[[], None],
    ) -> None:
        """Blocks up to `timeout` seconds. Raises redis.RedisError if the server does not answer.

        Also raises it if the server does not say whether it has sharded channels.
        """
        self._timeout = timeout
        self._on_message = on_message
        self._on_loss = on_loss
        self._expected: deque[_Reply] = deque()
        """The commands without reply, in the order in which they were sent."""
        self._sending = threading.Lock()
        self._reader = new_reader()
        self._connection = _connect(client, timeout)
        try:
            prefix = "S" if has_sharded_channels(self._connection) else ""
        except BaseException:
            self._connection.disconnect()
            raise
        self._subscribe, self._unsubscribe = f"{prefix}SUBSCRIBE", f"{prefix}UNSUBSCRIBE"
        self._socket = self._connection._sock  # noqa: SLF001 - redis-py gives no other access
        self._socket.settimeout(PING_SECONDS)
        self.is_open = True
        threading.Thread(target=self._run, name="redis-subscription", daemon=True).start()

    def subscribe(self, channels: Sequence[str]) -> None:
        """Return when all messages of `channels` arrive. Raises redis.RedisError after an error."""
        replies = [self._send(self._subscribe, channels)] if channels else []
        for reply in replies:
            if not reply.ended.wait(self._timeout):
                self._lose()
                raise redis.TimeoutError("No reply to SUBSCRIBE")
            if reply.error:
                raise reply.error

    def unsubscribe(self, channel: str) -> None:
        """Get no more messages of `channel` soon. Does not wait, and raises no error."""
        with contextlib.suppress(redis.RedisError):
            self._send(self._unsubscribe, [channel])

    def close(self) -> None:
        """Does nothing if it is closed or lost."""
        self._end()

    def _send(self, command: str, channels: Sequence[str] = ()) -> _Reply:
        """Send a command for each channel: the channels of one command must have the same slot."""
        commands: list[Command] = [(command, channel) for channel in channels] or [(command,)]
        reply = _Reply(command.lower(), len(commands))
        with self._sending:
            if not self.is_open:
                raise redis.ConnectionError("The subscription has ended")
            self._expected.extend([reply] * len(commands))
            try:
                self._socket.sendall(packed(commands))
            except OSError as fault:
                lost = redis.ConnectionError(f"Connection failed: {fault}")
                raise lost from fault
        return reply

    def _run(self) -> None:
        """Receive until the connection is lost."""
        pinged_at = time.monotonic()
        waits_for_pong = False
        try:
            while self.is_open:
                try:
                    data = self._socket.recv(65_536)
                except TimeoutError:
                    if not waits_for_pong:
                        self._send("PING")
                        waits_for_pong, pinged_at = True, time.monotonic()
                    elif time.monotonic() - pinged_at > MAX_SILENCE:
                        return
                    continue
                if not data:
                    return
                waits_for_pong = False
                self._reader.feed(data)
                while (reply := self._reader.gets()) is not INCOMPLETE:
                    self._received(reply)
        except (OSError, redis.RedisError, MemoryError):
            return
        finally:
            self._lose()

    def _received(self, reply: Any) -> None:
        kind = reply[0] if isinstance(reply, list) and reply else None
        if kind in MESSAGES:
            _, channel, message = reply
            self._on_message(channel, message)
            return
        expected = self._expected[0] if self._expected else None
        if expected is None or (kind in UNSUBSCRIBED and expected.command != kind):
            # The slot of the channel has moved to another server.
            raise redis.ConnectionError("The server has ended the subscription")
        self._expected.popleft()
        expected.receive(reply if isinstance(reply, redis.RedisError) else None)

    def _end(self) -> bool:
        """End the connection. Return False if it has ended already."""
        with self._sending:
            if not self.is_open:
                return False
            self.is_open = False
        with contextlib.suppress(OSError):
            self._socket.close()
        self._connection.disconnect()
        for reply in self._expected:
            reply.receive(redis.ConnectionError("The subscription has ended"))
        return True

    def _lose(self) -> None:
        if self._end():
            self._on_loss()


class _Reply:
    """The replies to `count` commands that were sent together."""

    def __init__(self, command: str, count: int) -> None:
        self.command = command
        self.error: redis.RedisError | None = None
        self.ended = threading.Event()
        self._count = count

    def receive(self, error: redis.RedisError | None) -> None:
        self._count -= 1
        self.error = self.error or error
        if self._count == 0 or error:
            self.ended.set()


def _connect(client: redis.Redis, timeout: float) -> Any:
    """Return an open connection of redis-py. Raises redis.RedisError."""
    attempt = Attempt(client.connection_pool)
    attempt.start()
    if not attempt.wait(timeout):
        raise redis.TimeoutError("No connection within the timeout")
    try:
        return attempt.connection()
    except OSError as fault:
        raise redis.ConnectionError(f"Connection failed: {fault}") from fault
