"""Types for the progress of a user and for completed lessons. Without I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

NO_LESSON, NO_MODULE = "Lesson not found", "Module not found"
MOST_UNFINISHED = 99.99
"""Percent. The greatest progress before the end, because rounding must not make it 100."""


class Progress(NamedTuple):
    """How many lessons are completed, and how many belong to the total (see `eligibility`)."""

    completed: int
    total: int

    @property
    def percent(self) -> float:
        """0 to 100, with two decimals. 0 if the total is 0. 100 only if all are completed."""
        if self.total == 0:
            return 0.0
        most = 100.0 if self.completed == self.total else MOST_UNFINISHED
        return min(round(100 * self.completed / self.total, 2), most)


class Completion(NamedTuple):
    """A lesson, and the time when the user completed it."""

    lesson_id: UUID
    completed_at: datetime | None
    """None if the user has not completed the lesson."""


@dataclass(frozen=True, slots=True)
class MarkResult:
    """The progress after the lesson was marked as completed, or its mark was removed."""

    completion: Completion
    module_id: UUID
    module: Progress
    """Progress in the module of the lesson."""
    overall: Progress
    """Progress in the whole course."""


@dataclass(frozen=True, slots=True)
class ModuleProgress:
    """The progress of a user in one module, with the lessons of the module."""

    progress: Progress
    lessons: Sequence[Completion]
    """In the module's order: lessons that are published and accessible, or completed.

    Lessons with missing prerequisites (locked) are included.
    """
