"""Videos and companies in a catalogue, by SQL as their owners' routes would leave them."""

from __future__ import annotations

import itertools
from typing import Any

import psycopg
from flask import Flask

from resume_service.catalogue.facts_cache import FactsCache
from resume_service.postgres.database import Database

_numbers = itertools.count(1)


class Catalogue:
    """The catalogue in the database of `sql`, a connection that commits each statement."""

    def __init__(self, sql: psycopg.Connection[Any]) -> None:
        self._sql = sql

    def corporation(self) -> int:
        """The id of a new company."""
        insert = "INSERT INTO corporations (name, plan) VALUES (%s, 'FREE') RETURNING id"
        return self._id_of(insert, f"Company {next(_numbers)}")

    def video(
        self,
        number: int | None = None,
        *,
        kind: str = "video",
        corporation: int | None = None,
        duration: float | None = None,
        published: bool = True,
    ) -> int:
        """The id of a new video: `number`, or the next."""
        insert = """
            INSERT INTO videos (id, name, kind, corporation_id, duration_seconds, published, file_path)
            VALUES (coalesce(%s, nextval('videos_id_seq')), 'A video', %s, %s, %s, %s, 'a.mp4')
            RETURNING id
        """
        return self._id_of(insert, number, kind, corporation, duration, published)

    def set(self, video: int, **columns: Any) -> None:
        changes = ", ".join(f"{name} = %({name})s" for name in columns)
        self._sql.execute(f"UPDATE videos SET {changes} WHERE id = %(id)s", columns | {"id": video})

    def delete(self, video: int) -> None:
        """Mark it as deleted, as its company does."""
        self._sql.execute("UPDATE videos SET deleted_at = now() WHERE id = %s", [video])

    def remove(self, video: int) -> None:
        """Remove its very row."""
        self._sql.execute("DELETE FROM videos WHERE id = %s", [video])

    def _id_of(self, insert: str, *values: Any) -> int:
        ((made,),) = self._sql.execute(insert, values).fetchall()
        return int(made)


def close(app: Flask) -> None:
    """End the connections to Postgres that `app` holds."""
    services = app.extensions["resume_service"]
    services.get(FactsCache).close()
    services.get(Database).close()
