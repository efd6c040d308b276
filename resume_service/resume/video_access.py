"""The access check of a video: does it exist, and may the caller watch it?"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, Protocol

from resume_service.auth.identity import Identity


class VideoKind(StrEnum):
    VIDEO = "video"
    MOVIE = "movie"
    EPISODE = "episode"


class WantedVideo(NamedTuple):
    """The kind of video that a route accepts, and the messages of its 404 responses."""

    not_found: str
    kind: VideoKind | None = None
    """None accepts every kind."""
    wrong_kind: str = ""
    """The message for a video of another kind."""


class VideoAccess(Protocol):
    def check(self, caller: Identity, video_id: int, wanted: WantedVideo) -> float | None:
        """Return the video's duration in seconds, or None if the catalogue has none.

        Raises NotFound, Forbidden and Unavailable.
        """


class AnyVideo:
    """Access without a catalogue: every id is a video, and every caller may watch it."""

    def check(self, caller: Identity, video_id: int, wanted: WantedVideo) -> float | None:
        return None
