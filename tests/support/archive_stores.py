"""A Redis, a Postgres and the archive cycle that copies points between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import redis

from resume_service.archive.cycle import ArchiveCycle
from resume_service.archive.flush import FlushResult
from resume_service.clock import epoch_ms, iso, system_clock
from resume_service.resume.model import EventType, Mark, Measurement, ResumePoint
from resume_service.settings import Settings
from tests.support.executed import Executed
from tests.support.resume_stores import resume_store
from tests.support.tokens import SECRET

MONTH = timedelta(days=30)
NOW = datetime.now(UTC).replace(microsecond=0)
"""The start of the test clock. It is near the real time, by which Redis expires points."""


@dataclass
class Stores:
    """Redis and Postgres, both empty at first. `now` is the time of saves and of the archive."""

    redis: redis.Redis
    database_url: str
    archive: ArchiveCycle
    points: Executed
    """A ResumeStore. Its methods execute their operations at once."""
    sql: psycopg.Connection[Any]
    now: list[datetime] = field(default_factory=lambda: [NOW])

    def save(
        self,
        video: str = "v",
        position: float | None = 10,
        *,
        user: str = "ann",
        measured_at: datetime | None = None,
        **more: Any,
    ) -> None:
        arrived_ms = max(epoch_ms(self.now[0]), epoch_ms(measured_at or self.now[0]))
        age_ms = arrived_ms - epoch_ms(measured_at or self.now[0])
        self.points.save(Measurement(user, video, arrived_ms, position, age_ms=age_ms, **more))

    def delete(self, video: str = "v", user: str = "ann") -> None:
        self.points.delete(Mark(user, video, epoch_ms(self.now[0]), EventType.DELETE))

    def mark(
        self,
        kind: EventType,
        video: str = "v",
        user: str = "ann",
        *,
        age: timedelta = timedelta(),
    ) -> None:
        age_ms = int(age.total_seconds() * 1000)
        self.points.mark(Mark(user, video, epoch_ms(self.now[0]), kind, age_ms))

    def get(self, video: str = "v", user: str = "ann") -> ResumePoint:
        return self.points.get(user, video)

    def cycle(self) -> FlushResult:
        return self.archive.cycle().flushed

    def pass_time(self, **span: float) -> None:
        self.now[0] += timedelta(**span)

    def use_the_clock_of_redis(self) -> None:
        """As in production. Use it if saves arrive during a flush.

        The flush reads the clock of `now` before it merges. A save in between is later than that, so
        it would count as a save by a clock that was ahead.
        """
        settings = settings_of(self.redis, self.database_url)
        self.archive = ArchiveCycle.of(settings, system_clock)

    def expire(self, video: str = "v", user: str = "ann") -> None:
        """Delete a point as Redis does 30 days after the last save."""
        self.redis.delete(f"resume:{user}:{video}", f"recent:{user}")

    def rows(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The archived rows by user and video. Times have the format of the API.

        Without the columns that only the worker reads.
        """
        with self.sql.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            archived = cursor.execute("SELECT * FROM watch_archive").fetchall()
        return {
            (row.pop("user_id"), row.pop("video_id")): {
                name: iso(value) if isinstance(value, datetime) else value
                for name, value in row.items()
                if name not in WORKER_COLUMNS
            }
            for row in archived
        }

    def row(self, video: str = "v", user: str = "ann") -> dict[str, Any]:
        return self.rows()[user, video]

    def entries(self) -> dict[str, list[str]]:
        """The entries of the backlog in Redis."""
        return {kind: self.redis.zrange(f"archive:{kind}", 0, -1) for kind in ("dirty", "erased")}


WORKER_COLUMNS = {"archived_at", "device", "rate", "state"}
NO_ENTRIES: dict[str, list[str]] = {"dirty": [], "erased": []}


def settings_of(client: redis.Redis, database_url: str, **more: Any) -> Settings:
    """Settings for these two stores."""
    port = client.connection_pool.connection_kwargs["port"]
    url = f"redis://127.0.0.1:{port}/0"
    return Settings(jwt_secret=SECRET, redis_url=url, database_url=database_url, **more)


@contextmanager
def stores_on(client: redis.Redis, database_url: str, **settings: Any) -> Iterator[Stores]:
    """Stores in which no restore is due."""
    now = [NOW]
    # Load tests save at the real time, which passes. Other tests set a later time.
    archive = ArchiveCycle.of(
        settings_of(client, database_url, **settings), lambda: max(now[0], datetime.now(UTC))
    )
    archive.backlog.set_restored(done=True)
    with psycopg.connect(database_url, autocommit=True) as sql:
        points = resume_store(client, archive=True)
        yield Stores(client, database_url, archive, points, sql, now)
