"""A catalogue of two companies, an origin, and the service between them and their viewers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from callers import bearer
from origin_server import Origin

from archive_stores import settings_of
from resume_service import create_app
from resume_service.catalogue.media import Media
from resume_service.catalogue.media_files import MediaFiles
from resume_service.catalogue.origin_connection import Patience
from resume_service.catalogue.origins import Origins

IMPATIENT = Patience(connect=0.5, headers=0.5, silence=0.5)
"""What takes ten seconds in production is shown in half a one."""


@dataclass
class Catalogue:
    """Two companies with a guest and an admin each, and the videos that a test adds."""

    sql: psycopg.Connection[Any]
    companies: list[int] = field(default_factory=list)
    guest: int = 0
    admin: int = 0
    stranger: int = 0
    """A guest of the other company."""
    foreign_admin: int = 0

    def __post_init__(self) -> None:
        for name in ("ours", "theirs"):
            insert = "INSERT INTO corporations (name, plan) VALUES (%s, 'FREE') RETURNING id"
            self.companies.append(self._id(insert, name))
        self.guest, self.admin = self.user("guest"), self.user("admin")
        self.stranger, self.foreign_admin = self.user("guest", 1), self.user("admin", 1)

    def _id(self, query: Any, *values: Any) -> int:
        return self.sql.execute(query, values).fetchone()[0]

    def user(self, role: str = "guest", company: int = 0) -> int:
        return self._id(
            "INSERT INTO users (email, password_hash, role, corporation_id)"
            " VALUES (gen_random_uuid()::text, '', %s, %s) RETURNING id",
            role, self.companies[company],
        )  # fmt: skip

    def video(self, file_path: str, company: int | None = 0, **columns: Any) -> int:
        owner = None if company is None else self.companies[company]
        given = {"name": "v", "kind": "video", "published": True} | columns
        given |= {"file_path": file_path, "corporation_id": owner}
        names, marks = ", ".join(given), ", ".join(["%s"] * len(given))
        insert = f"INSERT INTO videos ({names}) VALUES ({marks}) RETURNING id"
        return self._id(insert, *given.values())

    def quality(self, video: int, quality: str, file_path: str) -> None:
        self.sql.execute("INSERT INTO video_files VALUES (%s, %s, %s)", (video, quality, file_path))

    def points(self, user: int | None = None) -> int:
        return self._id("SELECT points FROM users WHERE id = %s", user or self.guest)

    def views(self) -> list[tuple[int, int, bool]]:
        """User, video, and whether it has earned."""
        query = "SELECT user_id, video_id, rewarded_at IS NOT NULL FROM view_logs ORDER BY 1, 2"
        return self.sql.execute(query).fetchall()

    def caller(self, user: int | None = None, **claims: Any) -> dict[str, str]:
        """As sign-in writes it, for a user's role and company of this moment."""
        user = user or self.guest
        found = self.sql.execute("SELECT role, corporation_id FROM users WHERE id = %s", (user,))
        role, company = found.fetchone() or ("guest", None)
        return bearer(str(user), **({"role": role, "corporation_id": company} | claims))


@pytest.fixture
def catalogue(database) -> Iterator[Catalogue]:
    with psycopg.connect(database, autocommit=True) as sql:
        yield Catalogue(sql)


@pytest.fixture
def origin() -> Iterator[Origin]:
    server = Origin()
    yield server
    server.close()


@pytest.fixture
def folder(tmp_path) -> Path:
    """MEDIA_ROOT."""
    made = tmp_path / "media"
    made.mkdir()
    return made


@pytest.fixture
def client(catalogue, database, real_redis, origin, folder) -> Iterator[Any]:
    """The application, less patient than in production."""
    allowed = (origin.authority,)
    settings = settings_of(
        real_redis, database, stream_allowed_hosts=allowed, media_root=str(folder)
    )
    app = create_app(settings)
    services = app.extensions["resume_service"]
    media = Media(MediaFiles(str(folder)), Origins(allowed, IMPATIENT))
    services.viewing.streams._media = media
    app.extensions["resume_service"] = dataclasses.replace(services, media=media)
    yield app.test_client()
    services.database.close()
