"""What one video of a viewer may contain, from the viewer's side."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

Position = int | None
"""A saved position in seconds. None: no point."""


class Verdict(StrEnum):
    RIGHT = "right"
    LATE = "late"
    """Explained only by a command that reached Redis after its caller had got a 503."""
    WRONG = "wrong"
    """Lost, older than an acknowledged save, or of another video."""


@dataclass
class VideoModel:
    """The events of one video. A save is its position, a deletion is None."""

    acknowledged: Position = None
    """The last acknowledged event."""
    pending: list[Position] = field(default_factory=list)
    """Unacknowledged events after the acknowledged one. Each may have happened or not."""
    overtaken: list[Position] = field(default_factory=list)
    """Unacknowledged events before the acknowledged one. They must not happen any more."""

    @property
    def certain(self) -> bool:
        """Whether the stored point is known for sure, and exists."""
        return self.acknowledged is not None and not self.pending and None not in self.overtaken

    def begin(self, event: Position) -> None:
        """Note an event before its request is sent."""
        self.pending.append(event)

    def acknowledge(self, event: Position) -> None:
        """Note the success of the event that began last."""
        assert self.pending.pop() == event
        self.overtaken += self.pending
        self.acknowledged, self.pending = event, []

    def judge(self, found: Position) -> Verdict:
        """Compare what the service returned. None: it returned no point."""
        if found == self.acknowledged or found in self.pending:
            return Verdict.RIGHT
        may_be_gone = self.acknowledged is None or None in [*self.overtaken, *self.pending]
        if found in self.overtaken and (found is None or may_be_gone):
            return Verdict.LATE
        return Verdict.WRONG

    def settle(self, found: Position) -> None:
        """Start again from a point that was read while nothing was under way."""
        self.acknowledged, self.pending, self.overtaken = found, [], []
