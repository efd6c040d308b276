"""One open stream: a client that gets the changes of one user's points."""

from __future__ import annotations

import time
from collections.abc import Callable

from resume_service.event_streams import EventOutput
from resume_service.live.changes import Changes
from resume_service.live.leases import Lease
from resume_service.live.server_sent_events import BYE


class LiveStream:
    """An `EventStream` of the server. `on_ready` and `on_end` are called with this stream."""

    __slots__ = (
        "_is_ended",
        "_on_end",
        "_on_ready",
        "_output",
        "changes",
        "expires_at",
        "first_event",
        "is_reading",
        "lease",
        "user_id",
    )

    def __init__(
        self,
        user_id: str,
        lease: Lease,
        expires_at: float,
        on_ready: Callable[[LiveStream], None],
        on_end: Callable[[LiveStream], None],
    ) -> None:
        self.user_id = user_id
        self.lease = lease
        self.expires_at = expires_at
        """Seconds since 1970 at which the token of the client expires."""
        self.changes = Changes()
        self.is_reading = False
        """True while a read runs for this stream. So an older state never follows a newer one."""
        self.first_event = b""
        self._on_ready = on_ready
        self._on_end = on_end
        self._output: EventOutput | None = None
        self._is_ended = False

    @property
    def channel(self) -> str:
        return self.lease[0]

    @property
    def is_open(self) -> bool:
        """Whether the client can take an event now."""
        return self._free_output is not None

    @property
    def is_ready(self) -> bool:
        """Whether a read may start for this stream."""
        return self.is_open and not self.is_reading

    @property
    def _free_output(self) -> EventOutput | None:
        return None if self._output is None or self._output.is_blocked else self._output

    def start(self, output: EventOutput) -> None:
        """Send the first event to the client. If the stream has ended before, send `bye`."""
        if self._is_ended:
            output.end(BYE)
            return
        self._output = output
        data, self.first_event = self.first_event, b""
        output.send(data)
        self.resume()

    def resume(self) -> None:
        """The client has taken all bytes."""
        self._on_ready(self)

    def close(self) -> None:
        """The client is gone, or has not got the response."""
        self._output, self._is_ended = None, True
        self._on_end(self)

    def send(self, data: bytes) -> bool:
        """Send an event. Return False, and send nothing, if the client takes nothing now."""
        output = self._free_output
        if output is None:
            return False
        output.send(data)
        return True

    def send_point(self, video_id: str, data: bytes) -> bool:
        """Send the event of a video, or let the change wait. Return whether it was sent."""
        if self.send(data):
            return True
        self.changes.add(video_id, time.monotonic())
        return False

    def end(self) -> None:
        """Send `bye` if the client takes it, and close the connection."""
        output, self._output = self._output, None
        self._is_ended = True
        if output:
            output.end(BYE)
        self._on_end(self)
