"""The access check: does a video exist, and may the caller watch it?"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, Protocol

from resume_service.auth.identity import Identity
from resume_service.redis.operation import Operation


class VideoKind(StrEnum):
    VIDEO = "video"
    MOVIE = "movie"
    EPISODE = "episode"


class WantedVideo(NamedTuple):
    """The kind of video that a route accepts, and the messages of the route's 404 responses."""

    not_found: str
    """The message of the 404 response if the video does not exist."""
    kind: VideoKind | None = None
    """The route accepts only videos of this kind. None: the route accepts every kind."""
    wrong_kind: str = ""
    """The message of the 404 response if the video has another kind."""


class VideoAccess(Protocol):
    def check(
        self, caller: Identity, video_id: int, wanted: WantedVideo
    ) -> Operation[float | None]:
        """Return the video's duration in seconds, or None if the catalogue has no duration.

        Raises NotFound if the video does not exist, or if its kind is not the kind of `wanted`.
        Raises Forbidden if the caller may not watch the video. Raises Unavailable if the catalogue
        can't be read.
        """


class AnyVideo:
    """The access check of a service without a catalogue.

    Each id is accepted as an existing video, and every caller may watch every video.
    """

    def check(
        self, caller: Identity, video_id: int, wanted: WantedVideo
    ) -> Operation[float | None]:
        yield from ()
        return None
