"""Rows of videos and companies, written with SQL as the routes would write them."""

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

    def add_corporation(self) -> int:
        """Insert a company; return its id."""
        insert = "INSERT INTO corporations (name, plan) VALUES (%s, 'FREE') RETURNING id"
        return self._id_of(insert, f"Company {next(_numbers)}")

    def add_video(
        self,
        number: int | None = None,
        *,
        kind: str = "video",
        corporation: int | None = None,
        duration: float | None = None,
        published: bool = True,
    ) -> int:
        """Insert a video with the id `number`, by default the next free id; return its id."""
        insert = """
            INSERT INTO videos (id, name, kind, corporation_id, duration_seconds, published, file_path)
            VALUES (coalesce(%s, nextval('videos_id_seq')), 'A video', %s, %s, %s, %s, 'a.mp4')
            RETURNING id
        """
        return self._id_of(insert, number, kind, corporation, duration, published)

    def update(self, video: int, **columns: Any) -> None:
        changes = ", ".join(f"{name} = %({name})s" for name in columns)
        self._sql.execute(f"UPDATE videos SET {changes} WHERE id = %(id)s", columns | {"id": video})

    def mark_deleted(self, video: int) -> None:
        """Delete the video as its company does: the row stays."""
        self._sql.execute("UPDATE videos SET deleted_at = now() WHERE id = %s", [video])

    def delete_row(self, video: int) -> None:
        self._sql.execute("DELETE FROM videos WHERE id = %s", [video])

    def _id_of(self, insert: str, *values: Any) -> int:
        ((row_id,),) = self._sql.execute(insert, values).fetchall()
        return int(row_id)


def close_postgres_connections(app: Flask) -> None:
    """Close the connections of `app` to Postgres, also the one of its listener."""
    services = app.extensions["resume_service"]
    services.get(FactsCache).close()
    services.get(Database).close()
