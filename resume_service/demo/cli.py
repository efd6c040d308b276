"""The command `flask seed-demo`. It adds data for trying the service.

The data are companies, users, videos, viewings and a course.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import click

from resume_service.accounts.passwords import MAX_LENGTH, MIN_LENGTH
from resume_service.clock import epoch_ms, system_clock
from resume_service.demo.catalogue import Account, Company, Demo, seed_catalogue
from resume_service.demo.course import LESSONS, seed_demo_course
from resume_service.demo.viewings import seed_viewings
from resume_service.errors import Conflict, Unavailable
from resume_service.postgres.database import Database
from resume_service.resume.store import ResumeStore
from resume_service.settings import Settings
from resume_service.wiring import build_services

TIMEOUT_SECONDS = 10.0
"""Seconds until Postgres must have answered a statement."""
PASSWORD_BYTES = 12
"""Number of random bytes in a generated password."""


class Seeded(NamedTuple):
    catalogue: Demo
    course: int | None
    """Number of new rows of the course. None if the service already has another course."""
    viewings: int | None
    """Number of points that were saved. None if Redis did not answer."""

    @property
    def added(self) -> int:
        return self.catalogue.added + (self.course or 0) + (self.viewings or 0)

    @property
    def viewer(self) -> Account:
        """The user who has begun the course and videos: the first viewer of the first company."""
        _admin, viewer, *_ = self.catalogue.companies[0].accounts
        return viewer


def command(settings: Settings) -> click.Command:
    """Return the command `flask seed-demo`."""

    @click.command("seed-demo")
    @click.option("--password", envvar="SEED_DEMO_PASSWORD", callback=_check_length)
    def seed_demo(password: str | None) -> None:
        """Add demo companies, users, videos, viewings and a course, unless they exist.

        Without --password (or SEED_DEMO_PASSWORD), new accounts get a generated password. The command
        shows this password once.
        """
        used_password = password or made_up_password()
        with one_line_errors():
            seeded = seed(settings, used_password)
        click.echo(description(seeded, used_password, f"http://localhost:{settings.port}"))

    return seed_demo


def seed(settings: Settings, password: str) -> Seeded:
    """Add missing data. Raises click.ClickException if DATABASE_URL or MEDIA_ROOT is not set.

    Raises Conflict, OSError and Unavailable as `seed_catalogue` does.
    """
    if settings.database_url is None:
        raise click.ClickException("DATABASE_URL is not set: there is no catalogue")
    if settings.media_root is None:
        raise click.ClickException("MEDIA_ROOT is not set: there is no folder for the media")
    database = Database(settings.database_url, timeout=TIMEOUT_SECONDS)
    try:
        seeded = Seeded(seed_catalogue(database, Path(settings.media_root), password), None, None)
        course = seed_demo_course(database, str(seeded.viewer.id))
        return seeded._replace(course=course, viewings=_viewings(settings, database, seeded))
    finally:
        database.close()


def _viewings(settings: Settings, database: Database, seeded: Seeded) -> int | None:
    services = build_services(settings, None, system_clock)
    viewer, company = str(seeded.viewer.id), seeded.catalogue.companies[0].id
    try:
        points, now_ms = services.get(ResumeStore), epoch_ms(system_clock())
        return seed_viewings(points, database, viewer, company, now_ms)
    except Unavailable:
        return None
    finally:
        services.get(Database).close()  # the connections to Redis close when they are collected


def made_up_password() -> str:
    return secrets.token_urlsafe(PASSWORD_BYTES)


def description(seeded: Seeded, password: str, address: str) -> str:
    """Return the text for the terminal: the demo's data, and how to sign in at `address`."""
    lines = [f"{seeded.added} added." if seeded.added else "Everything was there: nothing changed."]
    for company in seeded.catalogue.companies:
        lines += _company(company)
    lines.append(f"For everybody: {seeded.catalogue.public_videos} videos")
    lines += _lists(seeded, address)
    lines += _course(seeded, address)
    accounts = [each for company in seeded.catalogue.companies for each in company.accounts]
    usable = [each for each in accounts if each.has_password]
    if usable:
        lines += [
            f"The password of those accounts: {password}",
            *_sign_in(usable[0], password, address),
        ]
    return "\n".join([*lines, "See what is published:", f"  curl -i {address}/v1/videos"])


def _company(company: Company) -> list[str]:
    lines = [f"{company.name}, company {company.id}, {company.plan}: {company.videos} videos"]
    for account in company.accounts:
        note = "" if account.has_password else " (with the password it was given)"
        lines.append(f"  {account.role}  {account.email}{note}")
    return lines


def _lists(seeded: Seeded, address: str) -> list[str]:
    if seeded.viewings is None:
        return ["Redis does not answer: no viewings were added"]
    return [
        f"{seeded.viewer.email} has begun some of them. Sign in with this address, and continue:",
        f"  {address}/watch",
    ]


def _course(seeded: Seeded, address: str) -> list[str]:
    if seeded.course is None:
        return ["There is another course: it stays as it is"]
    return [
        f"A course of {len(LESSONS)} lessons, in which {seeded.viewer.email} is enrolled.",
        f"  Tick them off at {address}/dashboard",
    ]


def _sign_in(account: Account, password: str, address: str) -> list[str]:
    body = json.dumps({"email": account.email, "password": password})
    quoted = body.replace("'", r"'\''")
    sent = f"-H 'Content-Type: application/json' -d '{quoted}'"
    return ["Sign in:", f"  curl -i {address}/v1/auth/login {sent}"]


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Replace an expected error by a ClickException with a message of one line."""
    try:
        yield
    except Unavailable as fault:
        raise click.ClickException("Postgres does not answer, or has not these tables") from fault
    except (Conflict, OSError) as fault:
        raise click.ClickException(" ".join(str(fault).split())) from fault


def _check_length(_context: click.Context, _option: click.Parameter, password: Any) -> Any:
    if password is not None and not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise click.BadParameter(f"Must be {MIN_LENGTH} to {MAX_LENGTH} characters long.")
    return password
