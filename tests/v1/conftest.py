"""The application with companies in it, and a caller of every kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from argon2 import PasswordHasher
from callers import SECRET, bearer
from flask import Flask
from flask.testing import FlaskClient
from patience import undescribed_app

from resume_service.accounts import passwords
from resume_service.settings import Settings

PASSWORD = "correct horse"
NOBODY = 10**8
"""The id of no row."""


@dataclass
class Company:
    """A company with an admin and two guests, each with the header of its token."""

    id: int
    name: str
    admin_id: int
    admin: dict[str, str]
    guest_id: int
    guest: dict[str, str]
    other_guest_id: int
    other_guest: dict[str, str]


@pytest.fixture
def client_with(
    real_redis, emptied_database: str, tmp_path: Path
) -> Iterator[Callable[..., FlaskClient]]:
    """`client_with(**settings)`: the application over a real Redis and a real Postgres.

    It has patience with both and no OpenAPI document, or is what `make` makes of it.
    """
    made = []

    def client(make: Callable[..., Flask] = undescribed_app, **settings: Any) -> FlaskClient:
        usual = {
            "jwt_secret": SECRET,
            "database_url": emptied_database,
            "trusted_proxies": 1,
            "media_root": str(tmp_path),
            "stream_allowed_hosts": ("media.example.com",),
        }
        made.append(make(Settings(**usual | settings), client=real_redis))
        return made[-1].test_client()

    yield client
    for app in made:
        app.extensions["resume_service"].database.close()


@pytest.fixture
def app_client(client_with: Callable[..., FlaskClient]) -> FlaskClient:
    """The application with its usual settings, behind one proxy."""
    return client_with()


@pytest.fixture(autouse=True)
def _cheap_passwords(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash in no time, but where a test marked `real_passwords` looks at the hashes."""
    if "real_passwords" not in request.keywords:
        monkeypatch.setattr(passwords, "_hasher", PasswordHasher(1, 8, 1))
    passwords.nobodys_hash.cache_clear()


@pytest.fixture
def sql(emptied_database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(emptied_database, autocommit=True) as connection:
        yield connection


@pytest.fixture
def founded(sql) -> Any:
    """`founded(name)`: a company as the database keeps it. Nobody in it can sign in."""

    def found(name: str, plan: str = "PAID", expires: Any = None) -> Company:
        made = sql.execute(
            "INSERT INTO corporations (name, plan, plan_expires_at) VALUES (%s, %s, %s) RETURNING id",
            (name, plan, expires),
        )
        [company] = made.fetchone()
        ids = []
        for who, role in (("admin", "admin"), ("guest", "guest"), ("other", "guest")):
            made = sql.execute(
                "INSERT INTO users (email, password_hash, role, corporation_id)"
                " VALUES (%s, 'none', %s, %s) RETURNING id",
                (f"{who}@{name}.example", role, company),
            )
            ids += made.fetchone()
        admin, guest, other = ids
        return Company(
            company, name,
            admin, member(admin, company, "admin"),
            guest, member(guest, company), other, member(other, company),
        )  # fmt: skip

    return found


def member(user_id: int, company: int, role: str = "guest") -> dict[str, str]:
    """The header of a user's token, as sign-in makes it."""
    return bearer(str(user_id), role=role, corporation_id=company)


@pytest.fixture
def acme(founded) -> Company:
    return founded("acme")


@pytest.fixture
def umbra(founded) -> Company:
    """Another company."""
    return founded("umbra")


SERVICE = bearer("backend", role="service")


@pytest.fixture
def a_video(sql) -> Any:
    """`a_video(corporation_id, **columns)`: the id of one that is there."""

    def video(corporation_id: int | None, **columns: Any) -> int:
        given = {
            "name": "Film", "kind": "video", "published": True, "file_path": "film.mp4",
            "corporation_id": corporation_id,
        } | columns  # fmt: skip
        names, places = ", ".join(given), ", ".join(["%s"] * len(given))
        made = sql.execute(
            f"INSERT INTO videos ({names}) VALUES ({places}) RETURNING id", list(given.values())
        )
        [video_id] = made.fetchone()
        return video_id

    return video


_clients = iter(range(1, 2**24))


def from_a_client_of_its_own() -> dict[str, str]:
    """A header by which this request comes from an address that no other one came from."""
    number = next(_clients)
    return {"X-Forwarded-For": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"}
