"""`flask db-upgrade`, and what commands that need the database share."""

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
        """Bring the archive's tables up to date. Several may run at once."""
        from resume_service.postgres import migrate  # noqa: PLC0415 - only this needs Alembic

        with one_line_errors():
            migrate.upgrade(database_url(settings))
        click.echo("The archive's tables are up to date.")

    return db_upgrade


def database_url(settings: Settings) -> str:
    """DATABASE_URL. Raises click.ClickException without one."""
    if settings.database_url is None:
        raise click.ClickException("DATABASE_URL is not set: there is no archive")
    return settings.database_url


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Print a failure of Redis or Postgres as one line."""
    try:
        yield
    except (Unavailable, psycopg.Error, SQLAlchemyError, OSError) as fault:
        raise click.ClickException(" ".join(str(fault).split())) from fault
