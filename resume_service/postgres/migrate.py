"""Migrates the database schema with Alembic. The migrations are in the folder `migrations/`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import sqlalchemy
from alembic import command
from alembic.config import Config

from resume_service.postgres import locks

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
HEAD = "head"
BASE = "base"


def upgrade(url: str, revision: str = HEAD) -> None:
    """Migrate the database at `url` up to `revision`.

    Several processes may call this at the same time: one migrates, and the others wait. Raises
    sqlalchemy.exc.SQLAlchemyError.
    """
    _migrate(url, command.upgrade, revision)


def downgrade(url: str, revision: str = BASE) -> None:
    """Undo the migrations after `revision`. This deletes the tables and rows that they added."""
    _migrate(url, command.downgrade, revision)


def engine(url: str) -> sqlalchemy.Engine:
    """Return an engine for administration, not for requests: its statements have no timeout."""
    driver_url = sqlalchemy.make_url(url).set(drivername="postgresql+psycopg")
    return sqlalchemy.create_engine(
        driver_url, poolclass=sqlalchemy.NullPool, connect_args={"connect_timeout": 5}
    )


def config() -> Config:
    alembic_config = Config()
    alembic_config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return alembic_config


def _migrate(url: str, step: Callable[[Config, str], None], revision: str) -> None:
    with engine(url).begin() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({locks.MIGRATION})")
        alembic_config = config()
        alembic_config.attributes["connection"] = connection
        step(alembic_config, revision)
