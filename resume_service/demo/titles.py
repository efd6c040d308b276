"""The demo's companies, users and videos.

The e-mail addresses end in `.example`, a reserved domain that is never in use (RFC 2606).
"""

from __future__ import annotations

from typing import NamedTuple

from resume_service.accounts.model import Plan
from resume_service.resume.video_access import VideoKind

HARBOUR = 1
"""The id of the demo's series. Each company chooses the ids of its own series."""


class Title(NamedTuple):
    """A video of the demo."""

    name: str
    file: str
    """Name of the media file in the demo's folder. It is unique among the titles of a company."""
    kind: VideoKind = VideoKind.VIDEO
    season: int | None = None
    episode: int | None = None
    published: bool = True
    low_file: str | None = None
    """Name of the media file in the quality `low`. None if there is no such file."""


class Studio(NamedTuple):
    """A company of the demo. `admin` and `viewers` are e-mail addresses."""

    name: str
    plan: Plan
    admin: str
    viewers: tuple[str, ...]
    titles: tuple[Title, ...]


def _episodes(season: int, *names: str) -> tuple[Title, ...]:
    return tuple(
        Title(name, f"harbour-s{season}e{number}.wav", VideoKind.EPISODE, season, number)
        for number, name in enumerate(names, start=1)
    )


STUDIOS = (
    Studio(
        "Harbour Pictures",
        Plan.PAID,
        "ada@harbour-pictures.example",
        ("mia@harbour-pictures.example", "noah@harbour-pictures.example"),
        (
            *_episodes(1, "The Harbour: Low Tide", "The Harbour: Fog", "The Harbour: The Pilot"),
            *_episodes(2, "The Harbour: High Water", "The Harbour: Salvage", "The Harbour: Home"),
            Title(
                "The Long Ferry", "long-ferry.wav", VideoKind.MOVIE, low_file="long-ferry-low.wav"
            ),
            Title("Lighthouse Keepers", "lighthouse-keepers.wav", VideoKind.MOVIE),
            Title("The Harbour: The Film", "harbour-film.wav", VideoKind.MOVIE, published=False),
        ),
    ),
    Studio(
        "Night Shift Films",
        Plan.FREE,
        "ben@night-shift.example",
        ("lena@night-shift.example", "omar@night-shift.example"),
        (
            Title("The Last Tram", "last-tram.wav", VideoKind.MOVIE),
            Title("Bakers at Four", "bakers-at-four.wav", VideoKind.MOVIE),
            Title("The Last Tram: Trailer", "last-tram-trailer.wav"),
        ),
    ),
)
PUBLIC = (
    Title("How to Tie a Bowline", "bowline.wav"),
    Title("A Walk along the Quay", "quay.wav"),
    Title("Weather for Sailors", "weather.wav"),
)
