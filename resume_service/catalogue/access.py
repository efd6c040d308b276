"""Who may watch what: the question that each save and read of a catalogue's video asks first."""

from __future__ import annotations

from typing import NamedTuple

from resume_service.auth.identity import Identity
from resume_service.catalogue.facts import FactsSource, Kind, VideoFacts
from resume_service.errors import NotFound
from resume_service.ids import row_id


class Sought(NamedTuple):
    """What an address stands for, and how its API says that it isn't there."""

    missing: str
    kind: Kind | None = None
    """None for any."""
    unlike: str = ""
    """Of a video of another kind."""


class Viewing:
    """Admits viewers to videos. Without a catalogue every id is a video for everyone."""

    def __init__(self, videos: FactsSource | None) -> None:
        self._videos = videos

    def admit(self, caller: Identity, video_id: str, sought: Sought) -> float | None:
        """The video's duration in seconds, where the catalogue knows it.

        Raises NotFound, also for an id that is no number, Forbidden and Unavailable.
        """
        number = row_id(video_id)
        if number is None:
            raise NotFound(sought.missing)
        if self._videos is None:
            return None
        facts = _offered(self._videos, number, sought)
        if sought.kind not in (None, facts.kind):
            raise NotFound(sought.unlike)
        facts.require_watchable_by(caller)
        return facts.duration


def _offered(videos: FactsSource, number: int, sought: Sought) -> VideoFacts:
    try:
        facts = videos.facts(number)
    except NotFound:
        raise NotFound(sought.missing) from None
    if not facts.is_offered:
        raise NotFound(sought.missing)
    return facts
