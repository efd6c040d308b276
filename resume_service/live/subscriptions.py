"""Keeps this process subscribed to the channels of its users, one connection to each Redis server.

After a failure, messages may be lost. Then `check` subscribes again, and reports a gap.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections import defaultdict
from collections.abc import Callable, Sequence

import redis
import structlog

from resume_service.errors import Unavailable
from resume_service.redis.servers import Servers
from resume_service.redis.subscription import OnMessage, Subscription

RETRY_SECONDS = 0.25
"""Seconds after a failed attempt to connect in which no further attempt starts."""
ANY_KEY = "live:"
"""A Sentinel is asked for the master of a key, and the key does not matter."""

_log = structlog.get_logger(__name__)


class Subscriptions:
    """`on_restored` gets channels that are subscribed again after a gap. It returns their success."""

    def __init__(
        self,
        servers: Servers,
        on_message: OnMessage,
        on_restored: Callable[[Sequence[str]], bool],
    ) -> None:
        self._servers = servers
        self._on_message = on_message
        self._on_restored = on_restored
        self._links: dict[redis.Redis, Subscription] = {}
        self._failed_at: weakref.WeakKeyDictionary[redis.Redis, float] = weakref.WeakKeyDictionary()
        """The time of the last failed attempt to connect, monotonic seconds."""
        self._opening = threading.Lock()
        self._channels: dict[str, Subscription | None] = {}
        """The connection of each channel. It may be closed. None if it must subscribe again."""
        self._unconfirmed: set[str] = set()
        """Channels with a SUBSCRIBE of `add` that has no reply yet."""
        self._unwanted: set[str] = set()
        """Channels without a stream. `check` removes them."""

    @property
    def is_idle(self) -> bool:
        """Whether `check` has nothing to do."""
        return not self._channels

    def keep(self, channel: str) -> bool:
        """Keep a channel that exists already. Return False if it must be added. Does not block."""
        link = self._channels.get(channel)
        if link is None or not link.is_open or channel in self._unconfirmed:
            return False
        self._unwanted.discard(channel)
        return True

    def add(self, channel: str) -> None:
        """Return when all messages of the channel arrive. Blocks. Raises Unavailable."""
        self._unwanted.discard(channel)
        try:
            link = self._link(self._servers.node(channel))
            self._subscribe(link, channel)
        except redis.RedisError as fault:
            raise Unavailable from fault

    def drop(self, channel: str) -> None:
        """Remove the channel soon. Does not block."""
        self._unwanted.add(channel)

    def check(self) -> None:
        """Remove unwanted channels, and subscribe again where that is necessary. Blocks."""
        self._remove_unwanted()
        self._close_former_primaries()
        lost = [c for c, link in self._channels.items() if link is None or not link.is_open]
        if not lost:
            return
        self._servers.refresh()
        channels_of: dict[redis.Redis, list[str]] = defaultdict(list)
        for channel in lost:
            try:
                channels_of[self._servers.node(channel)].append(channel)
            except redis.RedisError as fault:
                _log.debug("no server for a channel", fault=str(fault))
        for client, channels in channels_of.items():
            self._restore(client, channels)

    def close(self) -> None:
        """Close all connections."""
        for link in tuple(self._links.values()):
            link.close()

    def _subscribe(self, link: Subscription, channel: str) -> None:
        # The channel is known before SUBSCRIBE is sent: so `_remove_unwanted` sees that the channel
        # needs another SUBSCRIBE, if its UNSUBSCRIBE follows.
        self._channels[channel] = link
        self._unconfirmed.add(channel)
        try:
            link.subscribe([channel])
        except redis.RedisError:
            self._channels[channel] = None
            raise
        finally:
            self._unconfirmed.discard(channel)

    def _restore(self, client: redis.Redis, channels: list[str]) -> None:
        try:
            link = self._link(client)
            link.subscribe(channels)
        except redis.RedisError as fault:
            _log.debug("no subscription", fault=str(fault))
            return
        if self._on_restored(channels):
            self._channels.update(dict.fromkeys(channels, link))

    def _remove_unwanted(self) -> None:
        while self._unwanted:  # no copy: a stream may want a channel again in between
            channel = self._unwanted.pop()
            link = self._channels.pop(channel, None)
            if link and link.is_open:
                link.unsubscribe(channel)
                if channel in self._channels:  # a stream has added it in between
                    self._channels[channel] = None

    def _close_former_primaries(self) -> None:
        """Close the connections to servers that are no longer primaries, and forget closed ones."""
        for client, link in tuple(self._links.items()):
            if not link.is_open:
                del self._links[client]
        try:
            self._servers.node(ANY_KEY)
            primaries = self._servers.nodes()
        except redis.RedisError:
            return
        for client, link in tuple(self._links.items()):  # `add` may open another one
            if not any(client is primary for primary in primaries):
                link.close()

    def _link(self, client: redis.Redis) -> Subscription:
        """Return the connection to a server. Raises redis.RedisError."""
        link = self._links.get(client)
        if link and link.is_open:
            return link
        if not self._opening.acquire(timeout=self._servers.timeout):
            raise redis.TimeoutError("Another attempt to connect takes too long")
        try:
            link = self._links.get(client)
            if link and link.is_open:
                return link
            if time.monotonic() < self._failed_at.get(client, -RETRY_SECONDS) + RETRY_SECONDS:
                raise redis.ConnectionError("An attempt to connect has just failed")
            self._failed_at[client] = time.monotonic()
            link = Subscription(client, self._servers.timeout, self._on_message, self._lost)
            del self._failed_at[client]
            self._links[client] = link
            return link
        finally:
            self._opening.release()

    def _lost(self) -> None:
        _log.warning("live streams may miss changes", reason="a connection to Redis is lost")
