"""The open live streams of this process: opens them, sends them events, and ends them.

All methods run in the thread of gevent's event loop. Only those that say so may block.
"""

from __future__ import annotations

import itertools
import secrets
import time
from functools import partial
from typing import NamedTuple

from resume_service.clock import Clock
from resume_service.errors import TooManyRequests, Unavailable
from resume_service.live.leases import Leases
from resume_service.live.limits import (
    HEARTBEAT_SECONDS,
    HEARTBEATS_AT_ONCE,
    LEASE_SECONDS,
    STOP_SECONDS,
    STREAMS_PER_USER,
)
from resume_service.live.maintenance import Maintenance
from resume_service.live.reader import Execute, Reader
from resume_service.live.server_sent_events import HEARTBEAT
from resume_service.live.stream import LiveStream
from resume_service.redis.keys import unescaped
from resume_service.redis.operation import Blocking, Operation
from resume_service.redis.router import RedisRouter
from resume_service.resume.keys import Keys
from resume_service.resume.store import ResumeStore
from resume_service.telemetry import metrics

NOT_SERVED = "This server has no live streams"
TOO_MANY_STREAMS = "This user has too many live streams"
PROCESS_IS_FULL = "Too many live streams, try again"
LIMIT_HEADERS = {
    "Retry-After": str(LEASE_SECONDS),
    "RateLimit": f'"live";r=0;t={LEASE_SECONDS}',
    "RateLimit-Policy": f'"live";q={STREAMS_PER_USER}',
}


class _Running(NamedTuple):
    """What exists only in a process that serves streams."""

    execute: Execute
    reader: Reader
    maintenance: Maintenance


class LiveStreams:
    """`max_streams` is LIVE_STREAMS, the maximum number of streams of this process."""

    def __init__(
        self, redis: RedisRouter, keys: Keys, points: ResumeStore, max_streams: int, clock: Clock
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._points = points
        self._clock = clock
        self._max_streams = max_streams
        self._leases = Leases(redis)
        self._streams: dict[str, list[LiveStream]] = {}
        """The streams by their channel, also those that are being opened."""
        self._heartbeats: dict[LiveStream, float] = {}
        """Each stream, with the time of its last heartbeat or start. The oldest comes first."""
        self._names = itertools.count()
        self._process = ""
        self._running: _Running | None = None
        self._next_expiry_check = 0.0
        self._leases_to_remove = 0

    def start(self, execute: Execute, max_connections: int) -> None:
        """Allow streams. The server calls this in each process.

        At most half of `max_connections` can be streams, because they never end by themselves.
        """
        self._process = secrets.token_hex(6)
        self._max_streams = min(self._max_streams, max_connections // 2)
        reader = Reader(self._points, self._clock, execute)
        servers = self._redis.servers
        maintenance = Maintenance(servers, self._leases, self._streams, self._changed, self._missed)
        self._running = _Running(execute, reader, maintenance)
        maintenance.start()

    def open(self, user_id: str, expires_at: float) -> Operation[LiveStream]:
        """Open a stream for a user, until `expires_at` in seconds since 1970.

        Raises TooManyRequests if the user has STREAMS_PER_USER streams. Raises Unavailable if this
        process has LIVE_STREAMS, is stopping or serves no streams, or if Redis fails.
        """
        running = self._running
        if running is None:
            raise Unavailable(NOT_SERVED)
        if len(self._heartbeats) >= self._max_streams:
            metrics.live_refused.labels("LIVE_STREAMS").inc()
            raise Unavailable(PROCESS_IS_FULL)
        lease = (self._keys.live(user_id), f"{self._process}:{next(self._names)}")
        stream = LiveStream(user_id, lease, expires_at, running.reader.wake, self._leave)
        self._streams.setdefault(stream.channel, []).append(stream)
        self._heartbeats[stream] = time.monotonic()
        try:
            subscriptions = running.maintenance.subscriptions
            if not subscriptions.keep(stream.channel):
                yield Blocking(partial(subscriptions.add, stream.channel))
            yield from self._add_lease(stream)
            self._require_open(stream)
            running.maintenance.add(stream)
            stream.first_event = yield from running.reader.newest(user_id)
        except BaseException:  # also GreenletExit
            self._leave(stream)
            raise
        metrics.live_events.labels("points").inc()
        return stream

    def _add_lease(self, stream: LiveStream) -> Operation[None]:
        if not (yield from self._leases.add(stream.lease)):
            metrics.live_refused.labels("each_user").inc()
            raise TooManyRequests(LIMIT_HEADERS, TOO_MANY_STREAMS)

    def _require_open(self, stream: LiveStream) -> None:
        """Raise Unavailable if the stream has ended while it was opened. Its lease ends by itself."""
        if stream not in self._heartbeats:
            raise Unavailable(PROCESS_IS_FULL)

    def tick(self) -> None:
        """Send what is due. The server calls this several times a second."""
        if self._running is None:
            return
        now = time.monotonic()
        self._running.reader.tick(now)
        self._send_heartbeats(now)
        if now >= self._next_expiry_check:
            self._next_expiry_check = now + 1
            metrics.live_streams.set(len(self._heartbeats))
            wall_clock = time.time()
            for stream in [each for each in self._heartbeats if each.expires_at <= wall_clock]:
                _end(stream)

    def stop(self) -> None:
        """End all streams, and open no more. Waits up to STOP_SECONDS for the end of their leases."""
        if self._running is None:
            return
        self._max_streams = 0
        for stream in tuple(self._heartbeats):
            _end(stream)
        self._running.maintenance.stop()
        metrics.live_streams.set(0)
        deadline = time.monotonic() + STOP_SECONDS
        while self._leases_to_remove and time.monotonic() < deadline:
            time.sleep(0.01)

    def _send_heartbeats(self, now: float) -> None:
        due: list[LiveStream] = []
        for stream, at in self._heartbeats.items():
            if at > now - HEARTBEAT_SECONDS or len(due) == HEARTBEATS_AT_ONCE:
                break
            due.append(stream)
        for stream in due:
            del self._heartbeats[stream]
            self._heartbeats[stream] = now  # now the last one
            stream.send(HEARTBEAT)

    def _changed(self, channel: str, member: str) -> None:
        """A message has arrived. `member` is the video in the user's index."""
        if self._running:
            now = time.monotonic()
            for stream in self._streams.get(channel, ()):
                self._running.reader.add(stream, unescaped(member), now)

    def _missed(self, stream: LiveStream) -> None:
        """Messages may be lost."""
        if self._running:
            self._running.reader.want_points(stream, time.monotonic())

    def _leave(self, stream: LiveStream) -> None:
        """Forget a stream. Does nothing if it is forgotten already."""
        if self._running is None or self._heartbeats.pop(stream, None) is None:
            return
        execute, _, maintenance = self._running
        streams = self._streams[stream.channel]
        streams.remove(stream)
        if not streams:
            del self._streams[stream.channel]
            maintenance.subscriptions.drop(stream.channel)
        maintenance.remove(stream)
        self._leases_to_remove += 1
        execute(self._leases.remove(stream.lease), self._lease_removed)

    def _lease_removed(self, _: object) -> None:
        self._leases_to_remove -= 1


def _end(stream: LiveStream) -> None:
    """The client connects again if it wants."""
    metrics.live_events.labels("bye").inc()
    stream.end()
