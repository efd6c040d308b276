"""The schema of the archive, brought up to date by Alembic; `migrations/` holds the steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import sqlalchemy
from alembic import command
from alembic.config import Config

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
HEAD = "head"
NOTHING = "base"
_LOCK = 7_236_450_221
"""Of Postgres' advisory locks: one process at a time migrates, the others wait for it."""


def upgrade(url: str, revision: str = HEAD) -> None:
    """Migrate the database at `url` up to `revision`; several may at once.

    Raises sqlalchemy.exc.SQLAlchemyError.
    """
    _migrate(url, command.upgrade, revision)


def downgrade(url: str, revision: str = NOTHING) -> None:
    """Undo the migrations after `revision`, and what they hold with them."""
    _migrate(url, command.downgrade, revision)


def engine(url: str) -> sqlalchemy.Engine:
    """For administration only: its waits are as long as Postgres makes them."""
    named = sqlalchemy.make_url(url).set(drivername="postgresql+psycopg")
    return sqlalchemy.create_engine(
        named, poolclass=sqlalchemy.NullPool, connect_args={"connect_timeout": 5}
    )


def config() -> Config:
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return made


def _migrate(url: str, step: Callable[[Config, str], None], revision: str) -> None:
    with engine(url).begin() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        alembic = config()
        alembic.attributes["connection"] = connection
        step(alembic, revision)
