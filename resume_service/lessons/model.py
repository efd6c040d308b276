"""Progress and completion of lessons. Types without I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

NO_LESSON, NO_MODULE = "Lesson not found", "Module not found"


class Progress(NamedTuple):
    """The numbers of completed lessons and of lessons that count (see `eligibility`)."""

    completed: int
    total: int

    @property
    def percent(self) -> float:
        """0 to 100 with two decimals. 0 if no lesson counts."""
        return round(100 * self.completed / self.total, 2) if self.total else 0.0


class Completion(NamedTuple):
    lesson_id: UUID
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class MarkResult:
    """A lesson and the user's progress, after the lesson was marked or unmarked."""

    completion: Completion
    module_id: UUID
    module: Progress
    overall: Progress


@dataclass(frozen=True, slots=True)
class ModuleProgress:
    progress: Progress
    lessons: Sequence[Completion]
    """Lessons that the user may open or has completed, also locked ones, in the module's order."""
