"""What the lists of a user's videos need of a point: the times of a few events.

Redis may lack an event that only the archive has: a point has expired, and was saved again. So the
lists join what both know. `viewing/queries.py` has the same rules in SQL.
"""

from __future__ import annotations

from typing import NamedTuple

from resume_service.errors import Unavailable
from resume_service.resume.merge_state import NEVER, MergeState, is_begun, shown


class KnownPoint(NamedTuple):
    """The latest events of a point. All times are ms since 1970, or NEVER."""

    saved: int
    has_begun: bool
    """Whether the latest save is in the middle of the video (see `merge_state.is_begun`)."""
    qualified: int
    """The latest event that makes the video watched."""
    marked: int = NEVER
    """The latest watched mark. It alone makes a point, too."""
    unwatched: int = NEVER
    dismissed: int = NEVER
    undismissed: int = NEVER

    @classmethod
    def of(cls, state: MergeState, watched_percent: int) -> KnownPoint:
        point = shown(state)
        return cls(
            max(state.position[0], state.rate[0]),
            point is not None and is_begun(point.position, point.percent, watched_percent),
            state.qualified,
            state.marked,
            state.unwatched,
            state.dismissed,
            state.undismissed,
        )

    @property
    def exists(self) -> bool:
        """False if there are only marks of a missing point."""
        return bool(self.saved or self.marked)

    @property
    def is_watched(self) -> bool:
        return self.exists and self.qualified > self.unwatched

    @property
    def is_dismissed(self) -> bool:
        return self.dismissed > max(self.saved, self.undismissed)

    def joined(self, other: KnownPoint) -> KnownPoint:
        """Return the latest events of both. Of two saves at the same time, that of `self` counts."""
        latest = self if self.saved >= other.saved else other
        return KnownPoint(*latest[:2], *map(max, self[2:], other[2:]))

    def line(self, video_id: str) -> str:
        """Return the point as text: the video id, then all values in their order.

        The text may lack values at its end, which are then NEVER, as in `17 1764504000000 1 0`.
        """
        return f"{video_id} {self.saved} {self.has_begun:d} {' '.join(map(str, self[2:]))}"

    @classmethod
    def parse(cls, line: str) -> tuple[str, KnownPoint]:
        """Return the video id and the point. Raises Unavailable if `line` is not such a text."""
        try:
            video_id, saved, has_begun, *times = line.split(" ")
            return video_id, cls(int(saved), has_begun == "1", *map(int, times))
        except (ValueError, TypeError):
            raise Unavailable from None  # the reply is garbled
