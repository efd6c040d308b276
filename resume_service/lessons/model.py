"""Progress and completion of lessons. Types without I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

NO_LESSON, NO_MODULE = "Lesson not found", "Module not found"


class Progress(NamedTuple):
    """How many lessons are completed, of those that count."""

    completed: int
    total: int

    @property
    def percent(self) -> float:
        """0 to 100, two decimals; 0 of nothing."""
        return round(100 * self.completed / self.total, 2) if self.total else 0.0


class Completion(NamedTuple):
    lesson_id: UUID
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class MarkResult:
    """A lesson after it was marked or unmarked, and what that made of the user's progress."""

    completion: Completion
    module_id: UUID
    module: Progress
    overall: Progress


@dataclass(frozen=True, slots=True)
class ModuleProgress:
    tally: Progress
    lessons: Sequence[Completion]
    """In the module's order: what the user may open or has completed, locked ones too."""
