"""Enrolments. Admins write them by hand, and `stripe_events` writes them for Stripe's events."""

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
"""Stripe's names for subscription statuses. A new name from Stripe gives no access."""


class Enrollments(Repository):
    def __init__(self, database: Database) -> None:
        super().__init__(database, enrollments, "Enrollment not found")
