"""Facts of a video that access checks, resume points and the lists of a viewer need."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple, Protocol

import sqlalchemy
from sqlalchemy.dialects.postgresql import ARRAY

from resume_service.auth.identity import Identity, Role
from resume_service.catalogue.tables import videos
from resume_service.errors import Forbidden, NotFound
from resume_service.postgres.database import Database
from resume_service.resume.video_access import VideoKind


class VideoFacts(NamedTuple):
    """Facts of a video. The video may be unpublished or deleted."""

    id: int
    kind: VideoKind
    corporation_id: int | None
    """None for a public video."""
    duration: float | None
    """Duration in seconds. None if it is unknown."""
    is_offered: bool
    """Whether the video is published and not deleted."""
    name: str = ""
    series_id: int | None = None
    """The series of an episode. Each company chooses the ids of its own series."""
    season_number: int | None = None
    episode_number: int | None = None

    @classmethod
    def of(cls, row: sqlalchemy.Row[*tuple[Any, ...]]) -> VideoFacts:
        """Return the facts in a row of the table `videos`."""
        is_offered = row.published and row.deleted_at is None
        return cls(
            row.id,
            VideoKind(row.kind),
            row.corporation_id,
            row.duration_seconds,
            is_offered,
            row.name,
            row.series_id,
            row.season_number,
            row.episode_number,
        )

    def is_watchable_by(self, caller: Identity) -> bool:
        """Return whether `require_watchable_by` accepts the caller."""
        is_public_or_own = self.corporation_id in (None, caller.corporation_id)
        return self.is_offered and (is_public_or_own or caller.role is Role.SERVICE)

    def require_watchable_by(self, caller: Identity) -> None:
        """Check that the caller may watch the video.

        Raises NotFound if the video is not offered. Raises Forbidden if the video belongs to another
        company, unless the caller is a service.
        """
        if not self.is_offered:
            raise NotFound(NO_VIDEO)
        if not self.is_watchable_by(caller):
            raise Forbidden


NO_VIDEO = "Video not found"


class FactsSource(Protocol):
    def facts(self, video_id: int) -> VideoFacts:
        """Return the facts of a video.

        Raises NotFound if the video never existed. Raises Unavailable if the facts can't be read.
        """

    def facts_of(self, video_ids: Collection[int]) -> dict[int, VideoFacts]:
        """Return the facts of those videos that exist. Raises Unavailable as `facts` does."""


class FactsQuery:
    """Reads the facts from Postgres, with one statement per call."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def facts(self, video_id: int) -> VideoFacts:
        query = sqlalchemy.select(videos).where(videos.c.id == video_id)
        for row in self._database.rows(query):
            return VideoFacts.of(row)
        raise NotFound(NO_VIDEO)

    def facts_of(self, video_ids: Collection[int]) -> dict[int, VideoFacts]:
        query = sqlalchemy.select(videos).where(videos.c.id == sqlalchemy.any_(_IDS))
        rows = self._database.rows(query, {"ids": list(video_ids)})
        return {row.id: VideoFacts.of(row) for row in rows}


_IDS = sqlalchemy.bindparam("ids", type_=ARRAY(sqlalchemy.BigInteger))
