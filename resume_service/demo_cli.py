"""`flask seed-demo`: a small catalogue with companies and users, to try the service with."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from resume_service.accounts.passwords import LONGEST, SHORTEST
from resume_service.catalogue import demo
from resume_service.errors import Conflict, Unavailable
from resume_service.postgres.database import Database
from resume_service.settings import Settings

PATIENCE_SECONDS = 10.0
PASSWORD_BYTES = 12
"""Of chance, in a password that is made up."""


def command(settings: Settings) -> click.Command:
    """The command `flask seed-demo`."""

    @click.command("seed-demo")
    @click.option("--password", envvar="SEED_DEMO_PASSWORD", callback=_checked)
    def seed_demo(password: str | None) -> None:
        """Add two companies with users and videos to try things with, unless they are there.

        Without --password (or SEED_DEMO_PASSWORD) one is made up for new accounts, and told once.
        """
        given = password or made_up_password()
        with told():
            made = seed(settings, given)
        click.echo(description(made, given, f"http://localhost:{settings.port}"))

    return seed_demo


def seed(settings: Settings, password: str) -> demo.Demo:
    """Add what is missing. Raises click.ClickException for a setting that it takes, and Conflict,
    Unavailable and OSError.
    """
    if settings.database_url is None:
        raise click.ClickException("DATABASE_URL is not set: there is no catalogue")
    if settings.media_root is None:
        raise click.ClickException("MEDIA_ROOT is not set: there is no folder for the media")
    database = Database(settings.database_url, patience=PATIENCE_SECONDS)
    try:
        # What other domains show in the demo is seeded here, after the accounts and videos it needs.
        return demo.seed(database, Path(settings.media_root), password)
    finally:
        database.close()


def made_up_password() -> str:
    return secrets.token_urlsafe(PASSWORD_BYTES)


def description(made: demo.Demo, password: str, address: str) -> str:
    """What there is and how to sign in, at `address`, with the password if it is known."""
    lines = [f"{made.added} added." if made.added else "Everything was there: nothing changed."]
    for company in made.companies:
        lines.append(
            f"{company.name}, company {company.id}, {company.plan}: {company.videos} videos"
        )
        for account in company.accounts:
            shown = "" if account.has_password else " (with the password it was given)"
            lines.append(f"  {account.role}  {account.email}{shown}")
    lines.append(f"For everybody: {made.public_videos} videos")
    known = [each for company in made.companies for each in company.accounts if each.has_password]
    if known:
        lines += [
            f"The password of those accounts: {password}",
            *_sign_in(known[0], password, address),
        ]
    return "\n".join([*lines, "See what is published:", f"  curl -i {address}/v1/videos"])


def _sign_in(account: demo.Account, password: str, address: str) -> list[str]:
    body = json.dumps({"email": account.email, "password": password})
    quoted = body.replace("'", r"'\''")
    sent = f"-H 'Content-Type: application/json' -d '{quoted}'"
    return ["Sign in:", f"  curl -i {address}/v1/auth/login {sent}"]


@contextmanager
def told() -> Iterator[None]:
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
