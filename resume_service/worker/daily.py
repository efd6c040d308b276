"""The worker's daily job: it runs at the start, then once a day, and soon again after a failure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.base import BaseScheduler

from resume_service.accounts.maintenance import MaintenanceResult
from resume_service.errors import Unavailable

DAILY = "daily"
TIMEOUT_SECONDS = 30.0
"""No caller waits here."""
RETRY_AFTER = timedelta(minutes=1)

_log = structlog.get_logger(__name__)


class Daily:
    def __init__(self, keep_up: Callable[[datetime], MaintenanceResult]) -> None:
        self._keep_up = keep_up

    def add_to(self, scheduler: BaseScheduler) -> None:
        """Have `scheduler` run it from its start on."""
        scheduler.add_job(
            lambda: self._turn(scheduler),
            "interval",
            days=1,
            id=DAILY,
            next_run_time=datetime.now(UTC),
            coalesce=True,
            misfire_grace_time=None,
        )

    def _turn(self, scheduler: BaseScheduler) -> None:
        try:
            done = self._keep_up(datetime.now(UTC))
        except Unavailable as fault:
            _log.error("daily job failed", fault=str(fault.__cause__).strip())
            scheduler.modify_job(DAILY, next_run_time=datetime.now(UTC) + RETRY_AFTER)
        else:
            _log.info("daily job done", **done._asdict())
