"""What routes about lessons work with."""

from __future__ import annotations

from dataclasses import dataclass

from resume_service.lessons.completions import Completions
from resume_service.lessons.course import Lessons, Modules
from resume_service.lessons.enrollments import Enrollments, Subscriptions
from resume_service.postgres.database import Database
from resume_service.rate_limits.limiter import Limit
from resume_service.settings import Settings


@dataclass(frozen=True, kw_only=True)
class School:
    modules: Modules
    lessons: Lessons
    enrollments: Enrollments
    completions: Completions
    subscriptions: Subscriptions | None
    """None without STRIPE_WEBHOOK_SECRET."""
    writes: Limit
    """Of a user's marking and unmarking."""

    @classmethod
    def on(cls, database: Database, settings: Settings) -> School:
        secret = settings.stripe_webhook_secret
        return cls(
            modules=Modules(database),
            lessons=Lessons(database),
            enrollments=Enrollments(database),
            completions=Completions(database),
            subscriptions=Subscriptions(database, secret) if secret else None,
            writes=Limit("lesson-writes", settings.lesson_writes_per_minute),
        )
