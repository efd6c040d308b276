"""What the routes work with, built once by `create_app`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from resume_service.archive.figures import BacklogCollector
from resume_service.archive.history import History
from resume_service.auth.tokens import Verifier
from resume_service.catalogue.facts import FactsSource
from resume_service.errors import NotFound
from resume_service.lessons.school import School
from resume_service.limits.turns import Turns
from resume_service.postgres.database import Database
from resume_service.resume.store import ResumeStore

Part = TypeVar("Part")


@dataclass(frozen=True, kw_only=True)
class Services:
    verifier: Verifier
    points: ResumeStore
    database: Database | None
    """None without DATABASE_URL, as the next four."""
    archive: History | None
    backlog: BacklogCollector | None
    videos: FactsSource | None
    school: School | None
    turns: Turns
    clock: Callable[[], datetime]

    @property
    def history(self) -> History:
        """The archive, for routes that are not there without one."""
        if self.archive is None:
            raise NotFound
        return self.archive


def there(part: Part | None) -> Part:
    """A part of the services, for routes that are not there without it."""
    if part is None:
        raise NotFound
    return part


def system_clock() -> datetime:
    """Now, in UTC. Every host that runs the service needs a synchronised clock (NTP)."""
    return datetime.now(UTC)
