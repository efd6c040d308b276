"""`flask db-upgrade`, and helpers for all commands that need the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
import psycopg
from sqlalchemy.exc import SQLAlchemyError

from resume_service.errors import Unavailable
from resume_service.settings import Settings


def command(settings: Settings) -> click.Command:
    """The command `flask db-upgrade`."""

    @click.command("db-upgrade")
    def db_upgrade() -> None:
        """Create or update the database tables. Several processes may run this at the same time."""
        from resume_service.postgres import migrate  # noqa: PLC0415 - no other command needs Alembic

        with one_line_errors():
            migrate.upgrade(database_url(settings))
        click.echo("The archive's tables are up to date.")

    return db_upgrade


def database_url(settings: Settings) -> str:
    """Return DATABASE_URL. Raises click.ClickException if it is not set."""
    if settings.database_url is None:
        raise click.ClickException("DATABASE_URL is not set: there is no archive")
    return settings.database_url


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Convert an error of Redis or Postgres to a click.ClickException with a message of one line."""
    try:
        yield
    except (Unavailable, psycopg.Error, SQLAlchemyError, OSError) as fault:
        raise click.ClickException(" ".join(str(fault).split())) from fault
