"""Enrollments: they give users access to the course.

Admins create and change enrollments. `stripe_events` does the same for the events of Stripe.
"""

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
"""The names of Stripe for the status of a subscription.

If Stripe adds another name, an enrollment with this status gives no access.
"""


class Enrollments(Repository):
    """The enrollments of all users."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, enrollments, "Enrollment not found")
