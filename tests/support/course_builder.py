"""A course under construction, and those who take it."""

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
    """Marks and reads as `user`, by the application itself."""

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
        """Completed, total, percent."""
        return tally(self.http.get("/api/progress/summary", headers=self.headers).get_json())

    def completed(self) -> list[dict[str, str]]:
        answer = self.http.get("/api/progress/lessons", headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.get_json()["lessons"]

    def completed_ids(self) -> set[str]:
        return {lesson["lessonId"] for lesson in self.completed()}


def tally(body: dict[str, Any]) -> tuple[int, int, float]:
    return body["completedCount"], body["totalCount"], body["percent"]


@dataclass
class Classroom:
    """An empty course, at a time that the test sets. What is made is as the database keeps it."""

    http: FlaskClient
    sql: psycopg.Connection[Any]
    now: list[datetime]

    def module(self, **columns: Any) -> UUID:
        return self._made("modules", {"title": "Module", "position": 1, "free": False} | columns)

    def lesson(self, module: UUID | None = None, *, requires: Any = (), **columns: Any) -> UUID:
        """A published lesson; in a module of its own, if none is named."""
        given = {"title": "Lesson", "position": 1, "published": True, "free": False}
        lesson = self._made("lessons", {"module_id": module or self.module()} | given | columns)
        for each in requires:
            self.require(lesson, each)
        return lesson

    def require(self, lesson: UUID, prerequisite: UUID) -> None:
        self.sql.execute("INSERT INTO lesson_prerequisites VALUES (%s, %s)", (lesson, prerequisite))

    def enroll(self, user: str = "ann", status: str = "active", **ends_in: float) -> UUID:
        ends = self.now[0] + timedelta(**ends_in) if ends_in else None
        row = {"user_id": user, "status": status, "current_period_end": ends}
        return self._made("enrollments", row)

    def change(self, table: str, row_id: UUID, **columns: Any) -> None:
        """As an admin does, who leaves the time of it."""
        for name, value in columns.items():
            self.sql.execute(
                f"UPDATE {table} SET {name} = %s, updated_at = clock_timestamp() WHERE id = %s",
                (value, row_id),
            )

    def learner(self, user: str = "ann") -> Learner:
        return Learner(self.http, user)

    def pass_time(self, **span: float) -> None:
        self.now[0] += timedelta(**span)

    def progress(self) -> list[tuple[str, str]]:
        """Every completion there is: user and lesson."""
        found = self.sql.execute("SELECT user_id, lesson_id FROM lesson_progress ORDER BY 1, 2")
        return [(user, str(lesson)) for user, lesson in found]

    def _made(self, table: str, columns: dict[str, Any]) -> UUID:
        given = {"id": uuid4()} | columns
        names, places = ", ".join(given), ", ".join(["%s"] * len(given))
        self.sql.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", list(given.values()))
        return given["id"]


def details_of(answer: TestResponse, status: int) -> Any:
    assert answer.status_code == status, answer.text
    return json.loads(answer.data)["details"]
