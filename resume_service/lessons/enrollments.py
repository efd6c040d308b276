"""Who is enrolled: by hand, or by the events of a subscription at Stripe."""

from __future__ import annotations

from resume_service.lessons.repository import Repository
from resume_service.lessons.tables import enrollments
from resume_service.postgres.database import Database

STATUSES = (
    "active",
    "trialing",
    "past_due",
    "canceled",
    "unpaid",
    "incomplete",
    "incomplete_expired",
    "paused",
)
"""Of a subscription, as Stripe names them. It may come to name others: those open nothing."""


class Enrollments(Repository):
    def __init__(self, database: Database) -> None:
        super().__init__(database, enrollments, "Enrollment not found")
