"""`make bench-lessons`: times of lesson requests with millions of stored completions.

Requests are due at random times with a fixed mean rate, even if the service is slow. Each time
starts when its request was due, so a stall counts for every waiting request. The service, its
stores and this load generator share the cores of this machine. Writes bench/LESSONS.md.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import jwt
import psycopg
import sqlalchemy

from dev.postgres_server import PostgresServer
from dev.redis_server import RedisServer
from dev.service import ROOT, Service, free_port
from resume_service.lessons.completions import Completions
from resume_service.postgres import migrate
from resume_service.postgres.database import Database

USERS = int(os.environ.get("BENCH_USERS") or 100_000)
SECONDS = float(os.environ.get("BENCH_SECONDS") or 20)
RATE = 50
"""Requests per second."""
MODULES, LESSONS, DONE = 10, 20, 4
"""Modules, lessons per module, and completed lessons per module of each user: 40 of 200."""
CALLERS = 2000
"""The number of users that send requests, each with its own token."""
SECRET = "the secret of a benchmark, not of anything else"  # noqa: S105
REPORT = ROOT / "bench" / "LESSONS.md"
PROMISED_MS = {"mark": 150, "unmark": 150, "module": 150, "summary": 100, "completed": None}


class Sent(NamedTuple):
    """A request with its response."""

    ms: float
    """Time from when the request was due."""
    served: bool
    """False for a 503."""


class Row(NamedTuple):
    """One line of the report, with times in ms."""

    name: str
    sent: int
    refused: int
    p50: float
    p95: float
    p99: float
    statements: int


MakeRequest = Callable[[random.Random], tuple[str, str]]
"""Returns method and path of a random request."""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-lessons-") as folder:
        postgres = PostgresServer(Path(folder) / "postgres", shared_buffers="512MB")
        server = RedisServer(Path(folder) / "redis", port=free_port())
        postgres.start()
        server.start()
        env = {"REDIS_URL": server.url, "DATABASE_URL": postgres.url, "JWT_SECRET": SECRET}
        service = Service(Path(folder) / "log", **env, LESSON_WRITES_PER_MINUTE="10000")
        try:
            migrate.upgrade(postgres.url)
            started = time.perf_counter()
            _fill(postgres.url)
            _say(f"{USERS * MODULES * DONE:,} completions in {time.perf_counter() - started:.0f} s")
            service.start()
            _measure(postgres.url, service.port)
        finally:
            service.kill()
            server.kill()
            postgres.stop()


def _module(number: int) -> UUID:
    return UUID(f"00000000-0000-4000-8000-{number:012}")


def _lesson(module: int, number: int) -> UUID:
    return UUID(f"00000000-0000-4000-9000-{module:06}{number:06}")


def _user(number: int) -> str:
    return f"user_{number:09}"


def _fill(url: str) -> None:
    """Insert a course in which each lesson requires the one before it, and enrolled users."""
    now = datetime.now(UTC)
    numbers = [(module, number) for module in range(MODULES) for number in range(LESSONS)]
    tables: dict[str, Iterator[tuple[object, ...]]] = {
        "modules (id, title, position, free)": (
            (_module(n), f"Module {n}", n, False) for n in range(MODULES)
        ),
        "lessons (id, module_id, title, position, published, free)": (
            (_lesson(m, n), _module(m), f"Lesson {n}", n, True, False) for m, n in numbers
        ),
        "lesson_prerequisites (lesson_id, prerequisite_id)": (
            (_lesson(m, n), _lesson(m, n - 1)) for m, n in numbers if n
        ),
        "enrollments (id, user_id, status)": (
            (UUID(int=n), _user(n), "active") for n in range(USERS)
        ),
        "lesson_progress (user_id, lesson_id, completed_at)": (
            (_user(u), _lesson(m, n), now)
            for u in range(USERS)
            for m in range(MODULES)
            for n in range(DONE)
        ),
    }
    with psycopg.connect(url, autocommit=True) as sql:
        for table, rows in tables.items():
            with sql.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        sql.execute("VACUUM ANALYZE")
        sql.execute("CHECKPOINT")


def _next_lesson(chance: random.Random) -> str:
    return f"/api/progress/lessons/{_lesson(chance.randrange(MODULES), DONE)}"


REQUESTS: dict[str, MakeRequest] = {
    "mark": lambda chance: ("POST", _next_lesson(chance)),
    "unmark": lambda chance: ("DELETE", _next_lesson(chance)),
    "module": lambda chance: (
        "GET", f"/api/progress/modules/{_module(chance.randrange(MODULES))}"
    ),
    "summary": lambda _: ("GET", "/api/progress/summary"),
    "completed": lambda _: ("GET", "/api/progress/lessons"),
}  # fmt: skip


def _measure(url: str, port: int) -> None:
    chance = random.Random(1)  # noqa: S311 - not for a secret
    expires = int(time.time()) + 86_400
    tokens = [
        jwt.encode({"sub": _user(chance.randrange(USERS)), "exp": expires}, SECRET, "HS256")
        for _ in range(CALLERS)
    ]
    statements = _statements(url)
    _run(
        port, tokens, REQUESTS["summary"], seconds=2
    )  # warm up connections, query plans and caches
    rows = []
    for name, make_request in REQUESTS.items():
        sent = _run(port, tokens, make_request, SECONDS)
        quantiles = statistics.quantiles((each.ms for each in sent), n=100)
        refused = sum(not each.served for each in sent)
        p50, p95, p99 = (quantiles[n] for n in (49, 94, 98))
        rows.append(Row(name, len(sent), refused, p50, p95, p99, statements[name]))
        _say(str(rows[-1]))
    REPORT.write_text(_report(rows))


def _statements(url: str) -> dict[str, int]:
    """The number of SQL statements of each request, without BEGIN and COMMIT."""
    database, executed = Database(url, timeout=5), list[int]()
    sqlalchemy.event.listen(
        database._engine,  # noqa: SLF001 - to count its statements
        "before_cursor_execute",
        lambda *_: executed.append(1),
    )
    lessons, now, user = Completions(database), datetime.now(UTC), _user(0)
    lesson = _lesson(0, DONE)

    def mark() -> None:
        lessons.require_markable(user, lesson, now)
        lessons.mark(user, lesson, now, now)

    def unmark() -> None:
        lessons.require_unmarkable(user, lesson, now)
        lessons.unmark(user, lesson, now)

    steps: dict[str, Callable[[], object]] = {
        "mark": mark,
        "unmark": unmark,
        "module": lambda: lessons.module(user, _module(0), now),
        "summary": lambda: lessons.summary(user, now),
        "completed": lambda: lessons.completed(user),
    }
    counts = {}
    for name, step in steps.items():
        executed.clear()
        step()
        counts[name] = len(executed)
    database.close()
    return counts


def _run(port: int, tokens: list[str], make_request: MakeRequest, seconds: float) -> list[Sent]:
    """Send requests for `seconds`. Raises RuntimeError for any status other than 200 and 503."""
    chance, local = random.Random(2), threading.local()  # noqa: S311 - not for a secret

    def send(due: float, method: str, path: str, token: str) -> Sent:
        if not hasattr(local, "connection"):
            local.connection = HTTPConnection("127.0.0.1", port, timeout=10)
        local.connection.request(method, path, headers={"Authorization": f"Bearer {token}"})
        response = local.connection.getresponse()
        body = response.read()
        if response.status not in (HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE):
            raise RuntimeError(f"{method} {path} is {response.status}: {body[:200]!r}")
        return Sent(1000 * (time.perf_counter() - due), response.status == HTTPStatus.OK)

    with ThreadPoolExecutor(32) as pool:
        sent, due = [], time.perf_counter()
        end = due + seconds
        while (due := due + chance.expovariate(RATE)) < end:
            time.sleep(max(0.0, due - time.perf_counter()))
            sent.append(pool.submit(send, due, *make_request(chance), chance.choice(tokens)))
        return [each.result() for each in sent]


def _report(rows: list[Row]) -> str:
    lines = [
        f"| {row.name} | {row.sent:,} | {row.refused} | {row.p50:.1f} | {row.p95:.1f} | {row.p99:.1f}"
        f" | {PROMISED_MS[row.name] or ''} | {row.statements} |"
        for row in rows
    ]
    stored = f"{MODULES * LESSONS} lessons, {USERS:,} users, {USERS * MODULES * DONE:,} completions"
    return "\n".join(
        [
            "# Lessons: how long a request takes",
            "",
            f"`make bench-lessons` wrote this on {datetime.now(UTC):%Y-%m-%d}, with {stored} stored.",
            f"{CALLERS:,} users send {RATE} requests per second of each kind for {SECONDS:.0f} s.",
            "A time starts when its request was due. All times are in ms.",
            f"Service, Postgres, Redis and load generator share {os.cpu_count()} cores.",
            "The last column counts SQL statements without BEGIN and COMMIT.",
            "",
            "| request | sent | of them 503 | p50 | p95 | p99 | p95 promised | statements |",
            "|---|---|---|---|---|---|---|---|",
            *lines,
            "",
        ]
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
