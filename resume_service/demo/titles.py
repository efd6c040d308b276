"""The demo's companies, users and videos.

The e-mail addresses end in `.example`, a reserved domain that is never in use (RFC 2606).
"""

from __future__ import annotations

from typing import NamedTuple

from resume_service.accounts.model import Plan
from resume_service.demo.media import DUSK, DUSK_LOW, FOG, LAMP, NIGHT, ROPE, SEA, Clip
from resume_service.resume.video_access import VideoKind

HARBOUR, FERRY_TALES, KEEPERS, STORM_WATCH, OLD_CHARTS, TIDES = range(1, 7)
"""The ids of the demo's series. Each company chooses the ids of its own series."""


class Title(NamedTuple):
    """A video of the demo."""

    name: str
    file: str
    """Name of the media file in the demo's folder. It is unique among the titles of a company."""
    clip: Clip
    kind: VideoKind = VideoKind.VIDEO
    season: int | None = None
    episode: int | None = None
    published: bool = True
    low_file: str | None = None
    """Name of the media file in the quality `low`. None if there is no such file."""
    low_clip: Clip = DUSK_LOW
    series: int | None = None

    @property
    def files(self) -> tuple[tuple[str, Clip], ...]:
        """The name and the clip of each media file."""
        low = ((self.low_file, self.low_clip),) if self.low_file else ()
        return ((self.file, self.clip), *low)


class Studio(NamedTuple):
    """A company of the demo. `admin` and `viewers` are e-mail addresses."""

    name: str
    plan: Plan
    admin: str
    viewers: tuple[str, ...]
    titles: tuple[Title, ...]


def _episodes(series: int, season: int, name: str, clip: Clip, **titles: str) -> tuple[Title, ...]:
    """Return the episodes of a season. The keyword of each title is its number after an `e`."""
    file = name.lower().removeprefix("the ").replace(" ", "-")
    return tuple(
        Title(
            f"{name}: {title}",
            f"{file}-s{season}{number}.webm",
            clip,
            VideoKind.EPISODE,
            season,
            int(number.removeprefix("e")),
            series=series,
        )
        for number, title in titles.items()
    )


STUDIOS = (
    Studio(
        "Harbour Pictures",
        Plan.PAID,
        "ada@harbour-pictures.example",
        ("mia@harbour-pictures.example", "noah@harbour-pictures.example"),
        (
            *_episodes(HARBOUR, 1, "The Harbour", SEA, e1="Low Tide", e2="Fog", e3="The Pilot"),
            *_episodes(HARBOUR, 2, "The Harbour", SEA, e1="High Water", e2="Salvage", e3="Home"),
            *_episodes(HARBOUR, 0, "The Harbour", SEA, e1="On the Set"),
            *_episodes(FERRY_TALES, 1, "Ferry Tales", FOG, e1="Bow", e2="Stern", e4="Anchor"),
            *_episodes(KEEPERS, 1, "Keepers", LAMP, e1="The Lamp", e2="The Log"),
            *_episodes(STORM_WATCH, 1, "Storm Watch", NIGHT, e1="Force Nine", e2="Calm"),
            *_episodes(OLD_CHARTS, 1, "Old Charts", ROPE, e1="Soundings", e2="Margins"),
            *_episodes(TIDES, 1, "Tides", SEA, e1="Spring", e2="Neap"),
            Title(
                "The Long Ferry",
                "long-ferry.webm",
                DUSK,
                VideoKind.MOVIE,
                low_file="long-ferry-low.webm",
            ),
            Title("Lighthouse Keepers", "lighthouse-keepers.webm", LAMP, VideoKind.MOVIE),
            Title(
                "The Harbour: The Film", "harbour-film.webm", SEA, VideoKind.MOVIE, published=False
            ),
        ),
    ),
    Studio(
        "Night Shift Films",
        Plan.FREE,
        "ben@night-shift.example",
        ("lena@night-shift.example", "omar@night-shift.example"),
        (
            Title("The Last Tram", "last-tram.webm", NIGHT, VideoKind.MOVIE),
            Title("Bakers at Four", "bakers-at-four.webm", LAMP, VideoKind.MOVIE),
            Title("The Last Tram: Trailer", "last-tram-trailer.webm", NIGHT),
        ),
    ),
)
PUBLIC = (
    Title("How to Tie a Bowline", "bowline.webm", ROPE),
    Title("A Walk along the Quay", "quay.webm", SEA),
    Title("Weather for Sailors", "weather.webm", FOG),
)
