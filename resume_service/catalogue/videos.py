"""Videos and their files in Postgres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy
from sqlalchemy import BigInteger, func, select

from resume_service.accounts.corporations import lock_company
from resume_service.accounts.model import Plan
from resume_service.catalogue.facts import NO_VIDEO
from resume_service.catalogue.tables import video_counts, video_files, videos
from resume_service.errors import Forbidden, NotFound
from resume_service.postgres.database import Database
from resume_service.postgres.pages import Page, PageRequest
from resume_service.resume.video_access import VideoKind


class VideoFile(NamedTuple):
    quality: str
    file_path: str


class Video(NamedTuple):
    id: int
    name: str
    kind: VideoKind
    corporation_id: int | None
    """None for a public video."""
    duration_seconds: float | None
    published: bool
    series_id: int | None
    season_number: int | None
    episode_number: int | None
    file_path: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    files: tuple[VideoFile, ...] = ()

    @property
    def is_offered(self) -> bool:
        return self.published and self.deleted_at is None


_columns = [videos.c[name] for name in Video._fields if name != "files"]
_in_use = videos.c.deleted_at.is_(None)
_offered = (videos.c.published, _in_use)
ALL_VIDEOS = 0
"""The list of all videos in the table `video_counts`. Other lists have the id of their company."""


class Videos:
    """Reads and changes the table of videos.

    Every method may raise Unavailable. The methods that take a `video_id` raise NotFound if no such
    video exists.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, fields: Mapping[str, Any], corporation_id: int | None) -> Video:
        """Create a video of a company. If `corporation_id` is None, create a public video.

        Raises NotFound if the company does not exist.
        """
        values = {name: value for name, value in fields.items() if name != "files"}
        with self._database.transaction() as sql:
            if corporation_id is not None:
                lock_company(sql, corporation_id)
            insert = videos.insert().values(values | {"corporation_id": corporation_id})
            row = sql.execute(insert.returning(*_columns)).one()
            _insert_files(sql, row.id, fields.get("files", []))
            return _videos(sql, [row])[0]

    def by_id(self, video_id: int) -> Video:
        """Return the video, even if it is deleted."""
        with self._database.transaction() as sql:
            return _one(sql, select(*_columns).where(videos.c.id == video_id))

    def offered(self, page_request: PageRequest) -> Page[Video]:
        """Return all published videos: those of companies, and those that are public."""
        return self._page(page_request, _stored_count(ALL_VIDEOS, "offered"), *_offered)

    def of_corporation(
        self, corporation_id: int, page_request: PageRequest, *, all_of_them: bool
    ) -> Page[Video]:
        """Return a company's published videos.

        If `all_of_them` is True, also return its unpublished and deleted videos.
        """
        is_owned = videos.c.corporation_id == corporation_id
        conditions = (is_owned,) if all_of_them else (is_owned, *_offered)
        total = _stored_count(corporation_id, "stored" if all_of_them else "offered")
        return self._page(page_request, total, *conditions)

    def update(self, video_id: int, fields: Mapping[str, Any], now: datetime) -> Video:
        """Change a video that is not deleted. `files` replaces all files of the video.

        Raises NotFound if the video is deleted.
        """
        values = {name: value for name, value in fields.items() if name != "files"}
        change = videos.update().where(videos.c.id == video_id, _in_use)
        with self._database.transaction() as sql:
            changed = change.values(values | {"updated_at": now}).returning(*_columns)
            row = sql.execute(changed).first()
            if row is not None and "files" in fields:
                sql.execute(video_files.delete().where(video_files.c.video_id == video_id))
                _insert_files(sql, video_id, fields["files"])
            return _existing(sql, row)

    def delete(self, video_id: int, now: datetime) -> None:
        deletion = videos.update().where(videos.c.id == video_id, _in_use)
        with self._database.transaction() as sql:
            row = sql.execute(deletion.values(deleted_at=now).returning(*_columns)).first()
            _existing(sql, row)

    def restore(self, video_id: int, now: datetime) -> Video:
        """Undo a deletion. Raises NotFound if the video is not deleted.

        Raises Forbidden if the video belongs to a company without a PAID plan at `now`.
        """
        restoration = videos.update().where(videos.c.id == video_id, ~_in_use)
        with self._database.transaction() as sql:
            owner = _one(sql, select(*_columns).where(videos.c.id == video_id)).corporation_id
            if owner is not None and lock_company(sql, owner).plan_at(now) is not Plan.PAID:
                raise Forbidden("Restoring takes a paid plan")
            changed = restoration.values(deleted_at=None, updated_at=now).returning(*_columns)
            return _existing(sql, sql.execute(changed).first())

    def _page(
        self,
        page_request: PageRequest,
        total: sqlalchemy.Select[int],
        *conditions: sqlalchemy.ColumnElement[bool],
    ) -> Page[Video]:
        query = select(*_columns).where(*conditions).order_by(videos.c.id)
        with self._database.transaction() as sql:
            page = page_request.of(sql, query, lambda row: row, videos.c.id, total)
            return Page(_videos(sql, page.items), page.total)


def delete_videos_of(sql: sqlalchemy.Connection, corporation_id: int, now: datetime) -> None:
    """Delete every video of a company, in the transaction that deletes the company."""
    deletion = videos.update().where(videos.c.corporation_id == corporation_id, _in_use)
    sql.execute(deletion.values(deleted_at=now))


def _stored_count(list_id: int, column: str) -> sqlalchemy.Select[int]:
    """Select the number of videos of a list. Triggers of the table `videos` maintain it."""
    total = func.coalesce(func.sum(video_counts.c[column]), 0)
    return select(total.cast(BigInteger)).where(video_counts.c.list == list_id)


def _insert_files(
    sql: sqlalchemy.Connection, video_id: int, files: Sequence[Mapping[str, str]]
) -> None:
    if files:
        sql.execute(video_files.insert(), [{"video_id": video_id, **file} for file in files])


def _one(sql: sqlalchemy.Connection, query: sqlalchemy.Select[Any]) -> Video:
    return _existing(sql, sql.execute(query).first())


def _existing(sql: sqlalchemy.Connection, row: sqlalchemy.Row[Any] | None) -> Video:
    if row is None:
        raise NotFound(NO_VIDEO)
    return _videos(sql, [row])[0]


def _videos(sql: sqlalchemy.Connection, rows: Sequence[sqlalchemy.Row[Any]]) -> list[Video]:
    """Return the videos of these rows. One statement reads the files of all these videos."""
    files: dict[int, list[VideoFile]] = {row.id: [] for row in rows}
    query = select(video_files).where(video_files.c.video_id.in_(files))
    for row in sql.execute(query.order_by(video_files.c.quality)):
        files[row.video_id].append(VideoFile(row.quality, row.file_path))
    return [
        Video._make([*row, tuple(files[row.id])])._replace(kind=VideoKind(row.kind)) for row in rows
    ]
