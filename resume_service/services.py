"""What the routes work with, built once by `create_app`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from resume_service.archive.database import Database
from resume_service.auth.tokens import Verifier
from resume_service.resume.store import ResumeStore


@dataclass(frozen=True, kw_only=True)
class Services:
    verifier: Verifier
    points: ResumeStore
    database: Database | None
    """None without an archive."""
    clock: Callable[[], datetime]


def system_clock() -> datetime:
    """Now, in UTC. Every host that runs the service needs a synchronised clock (NTP)."""
    return datetime.now(UTC)
