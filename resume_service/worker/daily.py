"""The worker's daily job. It runs at the start, then once a day. After a failure it runs again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.base import BaseScheduler

from resume_service.accounts.maintenance import MaintenanceResult
from resume_service.errors import Unavailable

DAILY = "daily"
TIMEOUT_SECONDS = 30.0
"""Maximum seconds per SQL statement. Requests have a shorter timeout, because clients wait."""
RETRY_AFTER = timedelta(minutes=1)
"""Time between a failure and the retry."""

_log = structlog.get_logger(__name__)


class Daily:
    """Calls `maintain` with the current time, once a day."""

    def __init__(self, maintain: Callable[[datetime], MaintenanceResult]) -> None:
        self._maintain = maintain

    def add_to(self, scheduler: BaseScheduler) -> None:
        """Add the job to `scheduler`. The scheduler runs the job first when the scheduler starts."""
        scheduler.add_job(
            lambda: self._run(scheduler),
            "interval",
            days=1,
            id=DAILY,
            next_run_time=datetime.now(UTC),
            coalesce=True,
            misfire_grace_time=None,
        )

    def _run(self, scheduler: BaseScheduler) -> None:
        try:
            result = self._maintain(datetime.now(UTC))
        except Unavailable as fault:
            _log.error("daily job failed", fault=str(fault.__cause__).strip())
            scheduler.modify_job(DAILY, next_run_time=datetime.now(UTC) + RETRY_AFTER)
        else:
            _log.info("daily job done", **result._asdict())
