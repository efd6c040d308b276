"""A viewer with a series in the catalogue, for tests that read like the viewer's evening."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import psycopg
import redis
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from resume_service.archive.cycle import ArchiveCycle
from resume_service.catalogue.facts_cache import FactsCache
from tests.support.fixtures.companies import Company

LENGTH = 1000
"""Duration of each episode in seconds."""
SERIES = 7


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class Worker(NamedTuple):
    """The background process, in steps. `clock` is the time of the service, set by hand."""

    archive: ArchiveCycle
    redis: redis.Redis
    clock: Clock


@dataclass
class ViewingClient:
    """A guest of `company`. A label such as `2x3` means the third episode of the second season.

    Each action takes place a minute after the one before.
    """

    http: FlaskClient
    sql: psycopg.Connection[Any]
    worker: Worker
    company: Company
    ids: dict[str, int] = field(default_factory=dict)
    """The video id of each label."""

    @property
    def redis(self) -> redis.Redis:
        return self.worker.redis

    @property
    def clock(self) -> Clock:
        return self.worker.clock

    @property
    def labels(self) -> dict[int, str]:
        return {number: label for label, number in self.ids.items()}

    def add(self, *labels: str, company: int | None = 0, series: int = SERIES, **more: Any) -> None:
        """Add published episodes to the catalogue. Other than labels, names make videos."""
        for label in labels:
            season, _, episode = label.partition("x")
            numbers = (int(season), int(episode)) if episode.isdigit() else (None, None)
            values = {
                "name": label,
                "kind": "episode",
                "published": True,
                "file_path": "a.mp4",
                "duration_seconds": LENGTH,
                "series_id": series,
                "season_number": numbers[0],
                "episode_number": numbers[1],
                "corporation_id": self.company.id if company == 0 else company,
            } | more
            names, marks = ", ".join(values), ", ".join(["%s"] * len(values))
            insert = f"INSERT INTO videos ({names}) VALUES ({marks}) RETURNING id"
            [self.ids[label]] = self.sql.execute(insert, list(values.values())).fetchone()

    def change(self, label: str, **columns: Any) -> None:
        """Change a video, and wait until the service knows it."""
        changes = ", ".join(f"{name} = %s" for name in columns)
        values = [*columns.values(), self.ids[label]]
        self.sql.execute(f"UPDATE videos SET {changes} WHERE id = %s", values)
        self.http.application.extensions["resume_service"].get(FactsCache).on_change(None)

    def delete(self, label: str) -> None:
        self.change(label, deleted_at=datetime.fromisoformat("2026-01-01T00:00:00Z"))

    def restore(self, label: str) -> None:
        self.change(label, deleted_at=None)

    def watch(self, *labels: str, percent: float = 100, **more: Any) -> None:
        """Watch videos up to `percent`, one after the other."""
        for label in labels:
            body = {"clerkId": str(self.company.guest_id), "tmdbId": str(self.ids[label])}
            body |= {"currentTime": percent * LENGTH / 100, "duration": LENGTH} | more
            given = {name: value for name, value in body.items() if value is not None}
            self._call("POST", "/api/progress", 204, json=given)

    def mark(self, label: str, mark: str, *, undo: bool = False) -> None:
        path = f"/api/progress/{self.company.guest_id}/{self.ids[label]}/{mark}"
        self._call("DELETE" if undo else "PUT", path, 204)

    def forget(self, label: str, **query: Any) -> None:
        path = f"/api/progress/{self.company.guest_id}/{self.ids[label]}"
        self._call("DELETE", path, 204, query_string=query)

    def mark_series(self, mark: str, *, undo: bool = False, series: int = SERIES) -> int:
        """Mark all episodes. Return the number of changed ones."""
        response = self._call("DELETE" if undo else "PUT", f"/v1/series/{series}/{mark}", 200)
        return response.get_json()["changed"]

    def continuing(self, **query: Any) -> list[str]:
        """The labels in "continue watching"."""
        items = self.get("continue", **query).get_json()["items"]
        return [self.labels[item["video"]["id"]] for item in items]

    def next_up(self, **query: Any) -> list[str]:
        """The labels in "next up"."""
        items = self.get("next-up", **query).get_json()["items"]
        return [self.labels[item["video"]["id"]] for item in items]

    def get(self, name: str, headers: dict[str, str] | None = None, **query: Any) -> TestResponse:
        headers = self.company.guest if headers is None else headers
        return self.http.get(f"/api/v1/viewing/{name}", query_string=query, headers=headers)

    def flush(self) -> None:
        """Copy the points to the archive, as the worker does every minute."""
        self.worker.archive.cycle()

    def expire(self) -> None:
        """A month passes: only the archive has the points."""
        self.flush()
        self.pass_time(days=31)
        self.redis.flushall()
        self.sql.execute("DELETE FROM watch_archive_tombstones")
        self.worker.archive.backlog.set_restored(done=True)

    def pass_time(self, **span: float) -> None:
        self.clock.now += timedelta(**span)

    def _call(self, method: str, path: str, status: int, **more: Any) -> TestResponse:
        self.pass_time(minutes=1)
        response = self.http.open(path, method=method, headers=self.company.guest, **more)
        assert response.status_code == status, response.text
        return response
