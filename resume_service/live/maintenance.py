"""Renews the subscriptions and leases of open streams, in a thread or greenlet of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import structlog

from resume_service.errors import Unavailable
from resume_service.live.leases import Leases, LeaseState
from resume_service.live.limits import CHECK_SECONDS, RENEW_SECONDS, RENEWED_AT_ONCE
from resume_service.live.stream import LiveStream
from resume_service.live.subscriptions import Subscriptions
from resume_service.redis.operation import run
from resume_service.redis.servers import Servers

Streams = Mapping[str, Sequence[LiveStream]]
"""The open streams of each channel."""
_log = structlog.get_logger(__name__)


class Maintenance:
    """`on_message` gets a channel and the member of a video. `on_gap` gets each stream of a gap."""

    def __init__(
        self,
        servers: Servers,
        leases: Leases,
        streams: Streams,
        on_message: Callable[[str, str], None],
        on_gap: Callable[[LiveStream], None],
    ) -> None:
        self.subscriptions = Subscriptions(servers, on_message, self._restored)
        self._leases = leases
        self._streams = streams
        self._on_gap = on_gap
        self._renewed: dict[LiveStream, float] = {}
        """The time of the last renewal of each open stream, the oldest first."""
        self._has_streams = threading.Event()
        self._is_stopping = False

    def start(self) -> None:
        threading.Thread(target=self._run, name="live-streams", daemon=True).start()

    def stop(self) -> None:
        """Close all subscriptions."""
        self._is_stopping = True
        self._has_streams.set()
        self.subscriptions.close()

    def add(self, stream: LiveStream) -> None:
        self._renewed[stream] = time.monotonic()
        self._has_streams.set()

    def remove(self, stream: LiveStream) -> None:
        self._renewed.pop(stream, None)

    def _run(self) -> None:
        while True:
            self._has_streams.wait()
            if self._is_stopping:
                return
            for step in (self.subscriptions.check, self._renew_due):
                try:
                    step()
                except Unavailable as fault:
                    _log.warning("live streams not checked", fault=str(fault))
                except Exception:  # noqa: BLE001 - the open streams need the next check
                    _log.exception("live streams not checked")
            if not self._renewed and self.subscriptions.is_idle:
                self._has_streams.clear()
            time.sleep(CHECK_SECONDS)

    def _renew_due(self) -> None:
        now = time.monotonic()
        while due := _oldest(self._renewed, now - RENEW_SECONDS):
            for stream in due:
                del self._renewed[stream]
                self._renewed[stream] = now
            for stream, state in self._renew(due):
                if state is LeaseState.NEW:
                    self._on_gap(stream)

    def _restored(self, channels: Sequence[str]) -> bool:
        """Renew the leases of channels that are subscribed again. Then report the gap."""
        streams = [stream for channel in channels for stream in self._streams.get(channel, ())]
        renewed = list(self._renew(streams))
        if any(state is None for _, state in renewed):
            return False
        for stream in streams:
            self._on_gap(stream)
        return True

    def _renew(
        self, streams: Sequence[LiveStream]
    ) -> Iterable[tuple[LiveStream, LeaseState | None]]:
        for start in range(0, len(streams), RENEWED_AT_ONCE):
            part = [
                each for each in streams[start : start + RENEWED_AT_ONCE] if each in self._renewed
            ]
            states = run(self._leases.renew([stream.lease for stream in part]))
            yield from zip(part, states, strict=True)


def _oldest(renewed: dict[LiveStream, float], latest: float) -> list[LiveStream]:
    """Return the first streams with a time up to `latest`, at most RENEWED_AT_ONCE."""
    result: list[LiveStream] = []
    for stream, at in renewed.items():
        if at > latest or len(result) == RENEWED_AT_ONCE:
            break
        result.append(stream)
    return result
