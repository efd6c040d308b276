"""Viewers who save and delete points, and a model of the rows that the archive must have."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from resume_service.clock import epoch_ms, iso_ms
from resume_service.resume.model import EventType, Mark, Measurement
from tests.support.executed import Executed
from tests.support.load_clients import under_load

VIEWERS = 4
VIDEOS = 12
DURATION = 100


class Load:
    """Each viewer is a thread with its own points. `model` has the expected archive rows."""

    def __init__(self, points: Executed, seed: int = 1) -> None:
        self._points = points
        self._random = [random.Random(seed + number) for number in range(VIEWERS)]
        self.model: dict[tuple[str, str], dict[str, Any]] = {}
        self.saves = 0
        self._pausing = threading.Event()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        with under_load(VIEWERS, self._step):
            yield

    def after(self, saves: int) -> Callable[[], bool]:
        """Return a condition: true once `saves` more saves are done."""
        target = self.saves + saves
        return lambda: self.saves >= target

    def _step(self, number: int) -> None:
        chance = self._random[number]
        user, video = f"user-{number}", f"v{chance.randrange(VIDEOS)}"
        before = self.model.get((user, video))
        if before and chance.random() < 0.2:
            now_ms = epoch_ms(datetime.now(UTC))
            self._points.delete(Mark(user, video, now_ms, EventType.DELETE))
            self._pausing.wait(0.002)  # a deletion cancels saves of the same millisecond
            del self.model[user, video]
            return
        measurement = Measurement(
            user_id=user,
            video_id=video,
            position=chance.randrange(DURATION + 1),
            arrived_ms=epoch_ms(datetime.now(UTC)),
            duration=DURATION,
        )
        self._points.save(measurement)
        self.model[user, video] = row_after_save(before, measurement)
        self.saves += 1
        self._pausing.wait(0.001)


def row_after_save(row: dict[str, Any] | None, saved: Measurement) -> dict[str, Any]:
    """The expected archive row after a save. `row` is the row before it."""
    at = iso_ms(saved.arrived_ms)
    watched, completed = saved.position >= 90, saved.position == DURATION
    before = row or {"watched": False, "watched_at": None, "completed_at": None}
    return {
        "position": saved.position,
        "duration": DURATION,
        "percent": saved.position * 100 / DURATION,
        "watched": watched or before["watched"],
        "watched_at": before["watched_at"] or (at if watched else None),
        "completed": completed,
        "completed_at": before["completed_at"] or (at if completed else None),
        "updated_at": at,
    }
