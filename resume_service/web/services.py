"""What the routes work with, built once by `create_app`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from resume_service.accounts.corporations import Corporations
from resume_service.accounts.sign_in import SignIn
from resume_service.accounts.users import Users
from resume_service.archive.history import History
from resume_service.archive.metrics import BacklogCollector
from resume_service.auth.verifier import Verifier
from resume_service.catalogue.access import Viewing
from resume_service.catalogue.facts_cache import RememberedFacts
from resume_service.catalogue.streams import Streams
from resume_service.catalogue.videos import Videos
from resume_service.catalogue.view_logs import ViewLogs
from resume_service.errors import NotFound
from resume_service.lessons.school import School
from resume_service.media.source import Media
from resume_service.postgres.database import Database
from resume_service.rate_limits.limiter import Turns
from resume_service.resume.store import ResumeStore
from resume_service.resume.video_points import LastingPoints

Part = TypeVar("Part")


@dataclass(frozen=True, kw_only=True)
class Accounts:
    corporations: Corporations
    users: Users
    sign_in: SignIn | None
    """None without JWT_SECRET."""


@dataclass(frozen=True, kw_only=True)
class Streaming:
    """Streams and who has seen them."""

    streams: Streams
    view_logs: ViewLogs


@dataclass(frozen=True, kw_only=True)
class Services:
    verifier: Verifier
    points: ResumeStore
    lasting: LastingPoints
    viewing: Viewing
    database: Database | None
    """None without DATABASE_URL, as the next seven."""
    archive: History | None
    backlog: BacklogCollector | None
    videos: RememberedFacts | None
    accounts: Accounts | None
    catalogue: Videos | None
    streaming: Streaming | None
    school: School | None
    media: Media
    signup_open: bool
    turns: Turns
    clock: Callable[[], datetime]


def there(part: Part | None) -> Part:
    """A part of the services, for routes that are not there without it."""
    if part is None:
        raise NotFound
    return part


def system_clock() -> datetime:
    """Now, in UTC. Every host that runs the service needs a synchronised clock (NTP)."""
    return datetime.now(UTC)
