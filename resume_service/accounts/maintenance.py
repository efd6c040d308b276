"""What the worker does for accounts once a day."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from resume_service.accounts.corporations import expire_plans
from resume_service.accounts.sign_in import delete_expired_tokens
from resume_service.postgres.database import Database

TOKENS_KEPT = timedelta(days=30)
"""After they expired; until then an admin can see them."""


class MaintenanceResult(NamedTuple):
    plans_expired: int
    tokens_forgotten: int


def run_maintenance(database: Database, now: datetime) -> MaintenanceResult:
    """Write down which plans have expired, forget old tokens. Idempotent. Raises Unavailable."""
    with database.transaction() as sql:
        return MaintenanceResult(
            expire_plans(sql, now), delete_expired_tokens(sql, now - TOKENS_KEPT)
        )
