"""Viewers who save and delete all the time, and what the archive must hold in the end."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from resume_service.clock import iso
from resume_service.resume.model import Measurement
from resume_service.resume.store import ResumeStore
from tests.support.load_clients import under_load

VIEWERS = 4
VIDEOS = 12
DURATION = 100


class Load:
    """Each viewer is a thread with points of its own, and keeps a model of them."""

    def __init__(self, points: ResumeStore, seed: int = 1) -> None:
        self._points = points
        self._chances = [random.Random(seed + number) for number in range(VIEWERS)]
        self.model: dict[tuple[str, str], dict[str, Any]] = {}
        self.saves = 0
        self._pausing = threading.Event()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        with under_load(VIEWERS, self._step):
            yield

    def after(self, saves: int) -> Callable[[], bool]:
        """Whether so many more have been made, when asked."""
        enough = self.saves + saves
        return lambda: self.saves >= enough

    def _step(self, number: int) -> None:
        chance = self._chances[number]
        user, video = f"user-{number}", f"v{chance.randrange(VIDEOS)}"
        known = self.model.get((user, video))
        if known and chance.random() < 0.2:
            self._points.delete(user, video, datetime.now(UTC))
            del self.model[user, video]
            return
        seen = Measurement(
            user_id=user,
            video_id=video,
            position=chance.randrange(DURATION + 1),
            measured_at=datetime.now(UTC),
            duration=DURATION,
        )
        self._points.save(seen)
        self.model[user, video] = as_saved(known, seen)
        self.saves += 1
        self._pausing.wait(0.001)


def as_saved(known: dict[str, Any] | None, seen: Measurement) -> dict[str, Any]:
    """The row of a point that stood as `known` before `seen` was saved."""
    at = iso(seen.measured_at)
    watched, completed = seen.position >= 90, seen.position == DURATION
    before = known or {"watched": False, "watched_at": None, "completed_at": None}
    return {
        "position": seen.position,
        "duration": DURATION,
        "percent": seen.position * 100 / DURATION,
        "watched": watched or before["watched"],
        "watched_at": before["watched_at"] or (at if watched else None),
        "completed": completed,
        "completed_at": before["completed_at"] or (at if completed else None),
        "updated_at": at,
    }
