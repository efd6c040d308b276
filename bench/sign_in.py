"""`make bench-sign-in`: does the time of a refused sign-in reveal known addresses?

It tries wrong passwords and unknown addresses in random order through the real server. Some wrong
passwords are shorter or longer than any valid password. The result is the share of pairs in which
the other kind took longer than a wrong password of usual length. 50 % means that the time reveals
nothing (the Mann-Whitney statistic over the number of pairs).
"""

from __future__ import annotations

import itertools
import json
import math
import os
import random
import statistics
import sys
import tempfile
import time
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path

import psycopg

from dev.postgres_server import PostgresServer
from dev.redis_server import RedisServer
from dev.service import ROOT, Service, free_port
from resume_service.accounts import passwords
from resume_service.postgres import migrate

TRIES = int(os.environ.get("BENCH_TRIES") or 200)
"""Tries of each kind."""
USERS = max(40, TRIES)
"""Enough users that no address gets more than ten tries per minute, which is the rate limit."""
PASSWORDS = {
    "wrong password": "wrong horse",
    "unknown address": "wrong horse",
    "password of 3 characters": "bad",
    "password of 20,000 characters": "x" * 20_000,
}
"""The password of each kind of try."""
KINDS = tuple(PASSWORDS)
RESULT = ROOT / "bench" / "SIGN_IN.md"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        redis = RedisServer(Path(folder) / "redis", port=free_port())
        postgres = PostgresServer(Path(folder) / "postgres")
        redis.start()
        postgres.start()
        try:
            migrate.upgrade(postgres.url)
            _fill(postgres.url)
            service = Service(
                Path(folder) / "log", REDIS_URL=redis.url, DATABASE_URL=postgres.url,
                JWT_SECRET="x" * 32, WEB_CONCURRENCY="1", TRUSTED_PROXIES="1",
            )  # fmt: skip
            service.start()
            try:
                _report(_measure(service.port))
            finally:
                service.stop()
        finally:
            postgres.stop()
            redis.kill()


def _fill(url: str) -> None:
    password_hash = passwords.hash_password("correct horse")
    with psycopg.connect(url) as sql:
        sql.execute("INSERT INTO corporations (name, plan) VALUES ('acme', 'FREE')")
        sql.execute(
            "INSERT INTO users (email, password_hash, role, corporation_id)"
            " SELECT 'known' || n || '@acme.example', %s, 'guest', 1 FROM generate_series(1, %s) n",
            (password_hash, USERS),
        )


def _measure(port: int) -> dict[str, list[float]]:
    """The time of each try in milliseconds, by kind."""
    kinds = [kind for kind in KINDS for _ in range(TRIES)]
    random.shuffle(kinds)
    milliseconds: dict[str, list[float]] = {kind: [] for kind in KINDS}
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    for number, kind in enumerate([*KINDS, *kinds]):  # the first ones warm the server up
        name = "other" if kind == "unknown address" else "known"
        body = {"email": f"{name}{number % USERS + 1}@acme.example", "password": PASSWORDS[kind]}
        client = f"10.0.{number >> 8}.{number & 255}"
        headers = {"Content-Type": "application/json", "X-Forwarded-For": client}
        started = time.perf_counter()
        connection.request("POST", "/v1/auth/login", json.dumps(body), headers)
        response = connection.getresponse()
        response.read()
        if response.status != HTTPStatus.UNAUTHORIZED:
            raise RuntimeError(f"a try was answered {response.status}")
        if number >= len(KINDS):
            milliseconds[kind].append((time.perf_counter() - started) * 1000)
    return milliseconds


def _report(milliseconds: dict[str, list[float]]) -> None:
    lines = [
        "# Does the time of a refused sign-in reveal known addresses?",
        "",
        f"`make bench-sign-in`, {time.strftime('%Y-%m-%d', time.gmtime())}, {TRIES} tries of each kind.",
        "",
        "| | p10 (ms) | median | p90 |",
        "|---|---|---|---|",
    ]
    for kind, times in milliseconds.items():
        tenths = statistics.quantiles(times, n=10)
        lines.append(f"| {kind} | {tenths[0]:.1f} | {tenths[4]:.1f} | {tenths[8]:.1f} |")
    lines += ["", "Share of pairs in which the other kind took longer than a wrong password:", ""]
    for kind in KINDS[1:]:
        slower, error = _share_slower(milliseconds[kind], milliseconds[KINDS[0]])
        lines.append(f"- {kind}: {slower:.1%}")
    lines += ["", f"Without a difference, it is 50 % ± {2 * error:.1%} (two standard errors).", ""]
    RESULT.write_text("\n".join(lines))
    sys.stdout.write("\n".join(lines))


def _share_slower(first: list[float], second: list[float]) -> tuple[float, float]:
    """The share of pairs in which `first` is larger, and its standard error without a difference."""
    pairs = len(first) * len(second)
    larger = sum(a > b for a, b in itertools.product(first, second))
    return larger / pairs, math.sqrt((len(first) + len(second) + 1) / (12 * pairs))


if __name__ == "__main__":
    main()
