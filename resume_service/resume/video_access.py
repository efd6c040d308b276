"""What a resume point needs to know of its video: does it exist, may the caller watch it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, Protocol

from resume_service.auth.identity import Identity


class VideoKind(StrEnum):
    VIDEO = "video"
    MOVIE = "movie"
    EPISODE = "episode"


class WantedVideo(NamedTuple):
    """The video that a route serves, and the route's messages when there is none."""

    not_found: str
    kind: VideoKind | None = None
    """None for every kind."""
    wrong_kind: str = ""
    """Message for a video of another kind."""


class VideoAccess(Protocol):
    def check(self, caller: Identity, video_id: int, wanted: WantedVideo) -> float | None:
        """Return the video's duration in seconds, or None if the catalogue has none.

        Raises NotFound, Forbidden and Unavailable.
        """


class AnyVideo:
    """Access without a catalogue: every id is a video, and every caller may watch it."""

    def check(self, caller: Identity, video_id: int, wanted: WantedVideo) -> float | None:
        return None
