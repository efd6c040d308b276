"""Adds the demo's companies, users and videos to the database, and its media below MEDIA_ROOT.

Only missing data is added, so the command can run again at any time. Companies that are not part of
the demo are never changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy
from sqlalchemy import func, select

from resume_service.accounts import passwords
from resume_service.accounts.corporations import Corporations
from resume_service.accounts.model import Plan
from resume_service.accounts.tables import corporations, users
from resume_service.accounts.users import Users
from resume_service.auth.identity import Role
from resume_service.catalogue.tables import videos
from resume_service.catalogue.videos import Videos, delete_videos_of
from resume_service.demo.media import put_media
from resume_service.demo.titles import PUBLIC, STUDIOS, Studio, Title
from resume_service.errors import Conflict
from resume_service.postgres import locks
from resume_service.postgres.database import Database

FOLDER = "demo"
"""Folder of the demo's media, below MEDIA_ROOT."""


class Account(NamedTuple):
    id: int
    email: str
    role: Role
    has_password: bool
    """Whether the account has the password of this run.

    An account that an earlier run created may have another password.
    """


class Company(NamedTuple):
    id: int
    name: str
    plan: Plan
    accounts: tuple[Account, ...]
    """The first account is the admin."""
    videos: int
    """Number of the company's videos in the demo."""


class Demo(NamedTuple):
    companies: tuple[Company, ...]
    public_videos: int
    added: int
    """Number of new accounts, videos and files."""


def seed_catalogue(database: Database, media_root: Path, password: str) -> Demo:
    """Add missing data. New accounts get `password`.

    Raises Conflict if a company or user outside the demo has a name or an e-mail address of the demo.
    Then nothing is changed. Raises OSError if a media file can't be written. Then no row is added.

    Raises Conflict if another process adds the demo at the same time. Raises Unavailable if Postgres
    does not answer in time.
    """
    for studio in STUDIOS:
        _require_free_or_demo(database, studio)
    files = _put_files(media_root / FOLDER)
    with _exclusively(database):
        seeding = _Seeding(database, password)
        companies = tuple(seeding.company(studio) for studio in STUDIOS)
        public = seeding.titles(PUBLIC, None)
    return Demo(companies, public, files + seeding.added)


def _put_files(folder: Path) -> int:
    """Create missing files. Returns the number of new files."""
    folder.mkdir(exist_ok=True)
    titles = [*PUBLIC, *(title for studio in STUDIOS for title in studio.titles)]
    return sum(put_media(folder / name, clip) for title in titles for name, clip in title.files)


class _Seeding:
    def __init__(self, database: Database, password: str) -> None:
        self._database = database
        self._password = password
        self.added = 0

    def company(self, studio: Studio) -> Company:
        if _user(self._database, studio.admin) is None:
            companies = Corporations(self._database, delete_videos_of)
            fields = {"name": studio.name, "plan": studio.plan}
            companies.create(fields, email=studio.admin, password=self._password)
            self.added += 1
        corporation_id: int = _user(self._database, studio.admin).corporation_id
        accounts = [self._account(email, corporation_id) for email in _addresses(studio)]
        count = self.titles(studio.titles, corporation_id)
        return Company(corporation_id, studio.name, studio.plan, tuple(accounts), count)

    def _account(self, email: str, corporation_id: int) -> Account:
        if _user(self._database, email) is None:
            new = {"email": email, "password": self._password, "role": Role.GUEST}
            Users(self._database).create(new, corporation_id)
            self.added += 1
        row = _user(self._database, email)
        has_password = passwords.matches(row.password_hash, self._password)
        return Account(row.id, email, Role(row.role), has_password)

    def titles(self, titles: Sequence[Title], corporation_id: int | None) -> int:
        """Add the missing videos of a company. If `corporation_id` is None, add public videos.

        Returns the number of `titles`, whether new or not.
        """
        existing = _paths_of(self._database, corporation_id)
        for title in titles:
            if _path(title.file) not in existing:
                Videos(self._database).create(_video(title), corporation_id)
                self.added += 1
        return len(titles)


@contextmanager
def _exclusively(database: Database) -> Iterator[None]:
    """Run the block under the lock of the demo. Raises Conflict if another process has the lock."""
    with database.transaction() as sql:
        if not sql.execute(
            select(func.pg_try_advisory_xact_lock(locks.DEMO_CATALOGUE))
        ).scalar_one():
            raise Conflict("The demo is being added by another process")
        yield


def _require_free_or_demo(database: Database, studio: Studio) -> None:
    """Raise Conflict if a company or user outside the demo has the studio's name or an address."""
    has_name = (corporations.c.name == studio.name, corporations.c.deleted_at.is_(None))
    company = next(iter(database.rows(select(corporations).where(*has_name))), None)
    admin = _user(database, studio.admin)
    company_id = company and company.id
    if company is not None and (admin is None or admin.role != Role.ADMIN):
        raise Conflict(f"There is a company {studio.name!r} already, which is not the demo's")
    for email in _addresses(studio):
        user = _user(database, email)
        if user is not None and user.corporation_id != company_id:
            raise Conflict(f"There is a user {email} already, who is not the demo's")


def _addresses(studio: Studio) -> tuple[str, ...]:
    return (studio.admin, *studio.viewers)


def _user(database: Database, email: str) -> Any:
    """Return the row of the user with this address, or None."""
    has_email: tuple[sqlalchemy.ColumnElement[bool], ...]
    has_email = (users.c.email == email, users.c.deleted_at.is_(None))
    return next(iter(database.rows(select(users).where(*has_email))), None)


def _paths_of(database: Database, corporation_id: int | None) -> set[str]:
    """Return the file paths of the demo's videos of a company.

    They include the paths of deleted videos, so that these videos are not added again.
    """
    is_owned = videos.c.corporation_id.is_not_distinct_from(corporation_id)
    query = select(videos.c.file_path).where(is_owned, videos.c.file_path.startswith(f"{FOLDER}/"))
    return {row.file_path for row in database.rows(query)}


def _path(file: str) -> str:
    return f"{FOLDER}/{file}"


def _video(title: Title) -> dict[str, Any]:
    files = [{"quality": "low", "file_path": _path(title.low_file)}] if title.low_file else []
    return {
        "name": title.name,
        "kind": title.kind,
        "file_path": _path(title.file),
        "files": files,
        "duration_seconds": title.clip.seconds,
        "published": title.published,
        "series_id": title.series,
        "season_number": title.season,
        "episode_number": title.episode,
    }
