"""Flushes and restores points as the worker of the previous version does."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from resume_service.clock import epoch_ms, iso
from resume_service.postgres import locks
from tests.support.archive_stores import Stores

FOLDER = Path(__file__).parent
TTL = 30 * 24 * 3600
FIELDS = (
    *("currentTime", "updatedAt", "duration", "percent"),
    *("watched", "watchedAt", "completed", "completedAt"),
)


class PreviousWorker:
    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def flush(self) -> None:
        """One batch of each kind of entry, as the worker does it."""
        for kind in ("erased", "dirty"):
            self._flush(f"archive:{kind}")

    def restore(self) -> None:
        """Restore all rows, as the worker does after a loss."""
        rows = self._stores.sql.execute(
            "SELECT video_id, position, updated_at, duration, percent, watched, watched_at,"
            " completed, completed_at FROM watch_archive"
        ).fetchall()
        for video, position, updated_at, duration, percent, watched, first, completed, end in rows:
            fields = f'["currentTime", "{position:g}", "updatedAt", "{iso(updated_at)}"'
            if duration is not None:
                fields += f', "duration", "{duration:g}"'
            if percent is not None:
                fields += f', "percent", "{percent:.2f}", "watched", "{int(watched)}"'
                fields += f', "completed", "{int(completed)}"'
            self._run(
                "restore_point",
                [f"resume:ann:{video}", "recent:ann", "archive:erased", "archive:restored"],
                [
                    *(iso(updated_at), epoch_ms(updated_at), TTL, 1000, video, "resume:ann:"),
                    *(f"ann:{video}", _iso(first), _iso(end), f"{fields}]"),
                ],
            )
        self._stores.redis.set("archive:restored", 1)

    def _flush(self, key: str) -> None:
        redis, claim = self._stores.redis, -12345
        entries = redis.zrange(key, 0, 999)
        if not entries:
            return
        redis.zadd(key, dict.fromkeys(entries, claim))
        hashes = {entry: redis.hmget(f"resume:{entry}", FIELDS) for entry in entries}
        erased = {entry for entry in entries if redis.zscore("archive:erased", entry) is not None}
        points = [(*entry.split(":"), *values) for entry, values in hashes.items() if values[1]]
        with self._stores.sql.transaction():
            self._stores.sql.execute("SELECT pg_advisory_xact_lock(%s)", (locks.ARCHIVE,))
            if erased:
                self._execute("erase", [entry.split(":") for entry in erased])
            first_times = self._execute("upsert", points).fetchall() if points else []
        for user, video, updated_at, watched_at, completed_at in first_times:
            args = [iso(updated_at), _iso(watched_at), _iso(completed_at)]
            self._run("set_first_times", [f"resume:{user}:{video}"], args)
        redis.zremrangebyscore(key, claim, claim)

    def _execute(self, name: str, rows: list[Any]) -> Any:
        columns = [list(column) for column in zip(*rows, strict=True)]
        return self._stores.sql.execute((FOLDER / f"{name}.sql").read_text(), columns)

    def _run(self, name: str, keys: list[str], args: list[Any]) -> Any:
        text = (FOLDER / f"{name}.lua").read_text()
        return self._stores.redis.eval(text, len(keys), *keys, *args)


def _iso(moment: datetime | None) -> str:
    return iso(moment) if moment else ""
