"""The daily maintenance of accounts, run by the worker."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from resume_service.accounts.corporations import expire_plans
from resume_service.accounts.sign_in import delete_expired_tokens
from resume_service.postgres.database import Database

TOKEN_RETENTION = timedelta(days=30)
"""Time from the expiry of a refresh token until its row is deleted.

Until then, admins can list the token.
"""


class MaintenanceResult(NamedTuple):
    plans_expired: int
    tokens_forgotten: int


def run_maintenance(database: Database, now: datetime) -> MaintenanceResult:
    """Set expired plans to FREE, and delete old refresh tokens. Idempotent.

    Raises Unavailable if Postgres can't be used.
    """
    with database.transaction() as sql:
        return MaintenanceResult(
            expire_plans(sql, now), delete_expired_tokens(sql, now - TOKEN_RETENTION)
        )
