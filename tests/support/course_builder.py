"""Builds a course in the database and sends the requests of its learners."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.tokens import bearer

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@dataclass
class Learner:
    """A user who marks lessons and reads progress through the API."""

    http: FlaskClient
    user: str = "ann"
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.headers = self.headers or bearer(self.user)

    def mark(self, lesson: object, completed_at: object = None, **how: Any) -> TestResponse:
        if completed_at is not None:
            how["json"] = {"completedAt": completed_at}
        return self.http.post(f"/api/progress/lessons/{lesson}", headers=self.headers, **how)

    def unmark(self, lesson: object) -> TestResponse:
        return self.http.delete(f"/api/progress/lessons/{lesson}", headers=self.headers)

    def module(self, module: object) -> TestResponse:
        return self.http.get(f"/api/progress/modules/{module}", headers=self.headers)

    def summary(self) -> tuple[int, int, float]:
        """The completed lessons, all lessons and the percentage."""
        return counts(self.http.get("/api/progress/summary", headers=self.headers).get_json())

    def completed(self) -> list[dict[str, str]]:
        answer = self.http.get("/api/progress/lessons", headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.get_json()["lessons"]

    def completed_ids(self) -> set[str]:
        return {lesson["lessonId"] for lesson in self.completed()}


def counts(body: dict[str, Any]) -> tuple[int, int, float]:
    """The completed lessons, all lessons and the percentage in a response."""
    return body["completedCount"], body["totalCount"], body["percent"]


@dataclass
class CourseBuilder:
    """Inserts rows of a course, which is empty at first. `now` is the time of the application."""

    http: FlaskClient
    sql: psycopg.Connection[Any]
    now: list[datetime]
    """One element, which a test may replace."""

    def module(self, **columns: Any) -> UUID:
        return self._insert("modules", {"title": "Module", "position": 1, "free": False} | columns)

    def lesson(self, module: UUID | None = None, *, requires: Any = (), **columns: Any) -> UUID:
        """Insert a published lesson. Without `module`, also insert a module for it."""
        given = {"title": "Lesson", "position": 1, "published": True, "free": False}
        lesson = self._insert("lessons", {"module_id": module or self.module()} | given | columns)
        for prerequisite in requires:
            self.require(lesson, prerequisite)
        return lesson

    def require(self, lesson: UUID, prerequisite: UUID) -> None:
        self.sql.execute("INSERT INTO lesson_prerequisites VALUES (%s, %s)", (lesson, prerequisite))

    def enroll(self, user: str = "ann", status: str = "active", **ends_in: float) -> UUID:
        ends = self.now[0] + timedelta(**ends_in) if ends_in else None
        row = {"user_id": user, "status": status, "current_period_end": ends}
        return self._insert("enrollments", row)

    def change(self, table: str, row_id: UUID, **columns: Any) -> None:
        """Update a row and its `updated_at`, as the API does."""
        for name, value in columns.items():
            self.sql.execute(
                f"UPDATE {table} SET {name} = %s, updated_at = clock_timestamp() WHERE id = %s",
                (value, row_id),
            )

    def learner(self, user: str = "ann") -> Learner:
        return Learner(self.http, user)

    def pass_time(self, **span: float) -> None:
        self.now[0] += timedelta(**span)

    def completions(self) -> list[tuple[str, str]]:
        """The user and the lesson of every completion."""
        rows = self.sql.execute("SELECT user_id, lesson_id FROM lesson_progress ORDER BY 1, 2")
        return [(user, str(lesson)) for user, lesson in rows]

    def _insert(self, table: str, columns: dict[str, Any]) -> UUID:
        given = {"id": uuid4()} | columns
        names, places = ", ".join(given), ", ".join(["%s"] * len(given))
        self.sql.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", list(given.values()))
        return given["id"]


def details_of(answer: TestResponse, status: int) -> Any:
    """Check the status of an error response and return its `details`."""
    assert answer.status_code == status, answer.text
    return json.loads(answer.data)["details"]
