"""Saves and deletes points as the previous version does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from resume_service.clock import iso_ms

FOLDER = Path(__file__).parent
TTL = 30 * 24 * 3600
READ_FIELDS = ("currentTime", "updatedAt", "duration", "percent", "watched", "completed")


class PreviousStore:
    """The points of the user ann."""

    def __init__(self, redis: Any) -> None:
        self._redis = redis
        self._save = redis.register_script((FOLDER / "save_point.lua").read_text())
        self._delete = redis.register_script((FOLDER / "delete_point.lua").read_text())

    def save(
        self,
        video: str,
        at_ms: int,
        position: float | None = None,
        duration: float | None = None,
        rate: float | None = None,
    ) -> bool:
        """Return whether the save was applied."""
        values = ["" if each is None else each for each in (position, duration, rate)]
        expired_ms = at_ms - TTL * 1000 - 10**8
        args = [*values[:2], iso_ms(at_ms), at_ms, TTL, 1000, 90, expired_ms, video]
        args += ["resume:ann:", f"ann:{video}", values[2], "", ""]
        keys = [f"resume:ann:{video}", "recent:ann", "archive:dirty"]
        return bool(self._save(keys=keys, args=args) == at_ms)

    def delete(self, video: str, at_ms: int) -> None:
        keys = [f"resume:ann:{video}", "recent:ann", "archive:dirty", "archive:erased"]
        self._delete(keys=keys, args=[video, at_ms, f"ann:{video}"])

    def read(self, video: str) -> list[str | None]:
        values: list[str | None] = self._redis.hmget(f"resume:ann:{video}", READ_FIELDS)
        return values
