"""What the routes work with, built once by `create_app`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from resume_service.archive.figures import BacklogCollector
from resume_service.archive.history import History
from resume_service.archive.lasting_points import LastingPoints
from resume_service.auth.tokens import Verifier
from resume_service.catalogue.remembered_facts import RememberedFacts
from resume_service.catalogue.viewing import Viewing
from resume_service.errors import NotFound
from resume_service.limits.turns import Turns
from resume_service.postgres.database import Database
from resume_service.resume.store import ResumeStore


@dataclass(frozen=True, kw_only=True)
class Services:
    verifier: Verifier
    points: ResumeStore
    lasting: LastingPoints
    viewing: Viewing
    database: Database | None
    """None without DATABASE_URL, as the next three."""
    archive: History | None
    backlog: BacklogCollector | None
    videos: RememberedFacts | None
    turns: Turns
    clock: Callable[[], datetime]

    @property
    def history(self) -> History:
        """The archive, for routes that are not there without one."""
        if self.archive is None:
            raise NotFound
        return self.archive


def system_clock() -> datetime:
    """Now, in UTC. Every host that runs the service needs a synchronised clock (NTP)."""
    return datetime.now(UTC)
