"""`flask seed-demo`: companies, users, a small catalogue and a course, to try the service with."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import click

from resume_service.accounts.passwords import LONGEST, SHORTEST
from resume_service.demo.catalogue import Account, Company, Demo, seed_catalogue
from resume_service.demo.course import LESSONS, seed_demo_course
from resume_service.errors import Conflict, Unavailable
from resume_service.postgres.database import Database
from resume_service.settings import Settings

TIMEOUT_SECONDS = 10.0
PASSWORD_BYTES = 12
"""Of chance, in a password that is made up."""


class Seeded(NamedTuple):
    catalogue: Demo
    course: int | None
    """Rows of it that were not there before; None where there is a course that is not the demo's."""

    @property
    def added(self) -> int:
        return self.catalogue.added + (self.course or 0)

    @property
    def viewer(self) -> Account:
        """Who is enrolled: the first viewer of the first company."""
        _admin, viewer, *_ = self.catalogue.companies[0].accounts
        return viewer


def command(settings: Settings) -> click.Command:
    """The command `flask seed-demo`."""

    @click.command("seed-demo")
    @click.option("--password", envvar="SEED_DEMO_PASSWORD", callback=_checked)
    def seed_demo(password: str | None) -> None:
        """Add companies, users, videos and a course to try things with, unless they are there.

        Without --password (or SEED_DEMO_PASSWORD) one is made up for new accounts, and told once.
        """
        given = password or made_up_password()
        with one_line_errors():
            made = seed(settings, given)
        click.echo(description(made, given, f"http://localhost:{settings.port}"))

    return seed_demo


def seed(settings: Settings, password: str) -> Seeded:
    """Add what is missing. Raises click.ClickException for a setting that it takes, and Conflict,
    Unavailable and OSError.
    """
    if settings.database_url is None:
        raise click.ClickException("DATABASE_URL is not set: there is no catalogue")
    if settings.media_root is None:
        raise click.ClickException("MEDIA_ROOT is not set: there is no folder for the media")
    database = Database(settings.database_url, timeout=TIMEOUT_SECONDS)
    try:
        made = Seeded(seed_catalogue(database, Path(settings.media_root), password), None)
        return made._replace(course=seed_demo_course(database, str(made.viewer.id)))
    finally:
        database.close()


def made_up_password() -> str:
    return secrets.token_urlsafe(PASSWORD_BYTES)


def description(made: Seeded, password: str, address: str) -> str:
    """What there is and how to sign in, at `address`, with the password if it is known."""
    lines = [f"{made.added} added." if made.added else "Everything was there: nothing changed."]
    for company in made.catalogue.companies:
        lines += _company(company)
    lines.append(f"For everybody: {made.catalogue.public_videos} videos")
    lines += _course(made, address)
    everybody = [each for company in made.catalogue.companies for each in company.accounts]
    known = [each for each in everybody if each.has_password]
    if known:
        lines += [
            f"The password of those accounts: {password}",
            *_sign_in(known[0], password, address),
        ]
    return "\n".join([*lines, "See what is published:", f"  curl -i {address}/v1/videos"])


def _company(company: Company) -> list[str]:
    lines = [f"{company.name}, company {company.id}, {company.plan}: {company.videos} videos"]
    for account in company.accounts:
        shown = "" if account.has_password else " (with the password it was given)"
        lines.append(f"  {account.role}  {account.email}{shown}")
    return lines


def _course(made: Seeded, address: str) -> list[str]:
    if made.course is None:
        return ["There is another course: it stays as it is"]
    return [
        f"A course of {len(LESSONS)} lessons, in which {made.viewer.email} is enrolled.",
        f"  With an access token, tick them off at {address}/dashboard",
    ]


def _sign_in(account: Account, password: str, address: str) -> list[str]:
    body = json.dumps({"email": account.email, "password": password})
    quoted = body.replace("'", r"'\''")
    sent = f"-H 'Content-Type: application/json' -d '{quoted}'"
    return ["Sign in:", f"  curl -i {address}/v1/auth/login {sent}"]


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Tell a failure in one line."""
    try:
        yield
    except Unavailable as fault:
        raise click.ClickException("Postgres does not answer, or has not these tables") from fault
    except (Conflict, OSError) as fault:
        raise click.ClickException(" ".join(str(fault).split())) from fault


def _checked(_context: click.Context, _option: click.Parameter, password: Any) -> Any:
    if password is not None and not SHORTEST <= len(password) <= LONGEST:
        raise click.BadParameter(f"Must be {SHORTEST} to {LONGEST} characters long.")
    return password
