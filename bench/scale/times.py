"""Times of one call in stores of several sizes. Each round measures all sizes."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from bench.contestants import CONTESTANTS
from bench.options import BenchFailed
from bench.scale import memory, points
from bench.scale.servers import running, version
from bench.server import Server
from bench.workload import PATH, token
from dev.redis_server import RedisServer
from resume_service.clock import epoch_ms
from resume_service.redis.operation import run

OURS = next(each for each in CONTESTANTS if each.name == "ours")
SIZES = (1_000, 100_000, 2_000_000)
USERS_BY_POINTS = {1: 2_000, 50: 200, 1_000: 20}
"""Points per user -> the number of users."""
PAGE = 50
ROUNDS = 11
CALLS = 100
HOT_USERS = 20
FRESH_SECOND = 1_000.0
"""Time for new saves, later than all saves of `points.fill`."""

Call = Callable[[int], None]
"""Makes one call for the user with this number."""


class Case(NamedTuple):
    commands: tuple[str, ...]
    """The Redis commands of a call."""
    hot: bool
    """Whether all calls are for the same few users."""


LIST_COMMANDS = ("zrevrangebyscore", "hmget")
CASES = {
    "list over HTTP": Case(LIST_COMMANDS, hot=False),
    "list": Case(LIST_COMMANDS, hot=False),
    "list of 20 users over and over": Case(LIST_COMMANDS, hot=True),
    "save": Case(("evalsha",), hot=False),
    "read": Case(("hmget",), hot=False),
}
Times = dict[str, dict[str, dict[str, list[float]]]]
"""Microseconds per call: by case, by subject, by `whole` or `redis`, by round."""


def by_size(binary: Path) -> dict[str, Any]:
    with ExitStack() as stack:
        subjects: dict[str, Subject] = {}
        empty: dict[str, float] = {}
        for size in SIZES:
            server = stack.enter_context(running(binary))
            empty[str(size)] = memory.used(server.client)
            users = range(size // points.PER_USER)
            points.fill(server, users)
            directory = stack.enter_context(TemporaryDirectory(prefix="resume-scale-"))
            service = Server(OURS, core=0, redis_url=server.url, directory=Path(directory))
            stack.enter_context(service)
            subjects[str(size)] = Subject(server, users, points.PER_USER, service.port)
        return {
            "version": version(server),
            "us": _measure(subjects, CASES),
            "bytes": {
                size: memory.parts(each.server, empty[size], int(size))
                for size, each in subjects.items()
            },
        }


def by_user(binary: Path) -> dict[str, Any]:
    with running(binary) as server:
        subjects: dict[str, Subject] = {}
        start = 0
        for per_user, count in USERS_BY_POINTS.items():
            users = range(start, start + count)
            points.fill(server, users, per_user=per_user)
            subjects[str(per_user)] = Subject(server, users, per_user)
            start += count
        cases = {
            "save": CASES["save"],
            "read": CASES["read"],
            "list": CASES["list"],
            "page": CASES["list"],
        }
        return {"version": version(server), "us": _measure(subjects, cases)}


class Subject:
    """The users of one size on one server, for whom calls are measured."""

    def __init__(
        self, server: RedisServer, users: range, per_user: int, http_port: int = 0
    ) -> None:
        self.server = server
        self._http = HTTPConnection("127.0.0.1", http_port, timeout=points.TIMEOUT_SECONDS)
        self._headers = {"Authorization": f"Bearer {token('backend', role='service')}"}
        self._store = points.store_of(server)
        self._users = users
        self._per_user = per_user
        self._seconds = FRESH_SECOND
        self._chance = random.Random(1)  # noqa: S311 - not for a secret

    def measure(self, name: str, case: Case) -> tuple[float, float]:
        """Microseconds per call: the time of the client, and the time in Redis."""
        call, client = self._call(name), self.server.client
        candidates = self._users[:HOT_USERS] if case.hot else self._users
        users = self._chance.choices(candidates, k=CALLS)
        client.config_resetstat()
        started = time.perf_counter()
        for number in users:
            call(number)
        seconds = time.perf_counter() - started
        stats: dict[str, Any] = client.info("commandstats")
        in_redis = sum(stats[f"cmdstat_{command}"]["usec"] for command in case.commands)
        return seconds / CALLS * 1e6, in_redis / CALLS

    def _call(self, name: str) -> Call:
        calls: Mapping[str, Call] = {
            "save": self._save,
            "read": self._read,
            "list over HTTP": self._list_over_http,
            "page": partial(self._list, limit=PAGE),
        }
        return calls.get(name, self._list)

    def _save(self, number: int) -> None:
        self._seconds += 0.001
        video = self._chance.randrange(self._per_user)
        run(self._store.save(points.measurement(number, video, self._seconds)))

    def _read(self, number: int) -> None:
        run(self._store.get(points.user(number), self._any_video()))

    def _list(self, number: int, limit: int | None = None) -> None:
        now_ms = epoch_ms(datetime.now(UTC))
        listed = run(self._store.list(points.user(number), now_ms, limit=limit)).items
        if len(listed) != min(self._per_user, limit or self._per_user):
            raise BenchFailed(f"{points.user(number)} has {len(listed)} points")

    def _list_over_http(self, number: int) -> None:
        self._http.request("GET", f"{PATH}/{points.user(number)}", headers=self._headers)
        response = self._http.getresponse()
        body = response.read()
        if response.status != HTTPStatus.OK or body.count(b"tmdbId") != self._per_user:
            raise BenchFailed(f"a list was answered with {response.status}: {body[:200]!r}")

    def _any_video(self) -> str:
        return points.video(self._chance.randrange(self._per_user))


def ratios(times: dict[str, dict[str, list[float]]], base: str, kind: str) -> dict[str, float]:
    """The ratio of each subject to the subject `base`: the median of the ratios of each round."""
    base_times = times[base][kind]
    return {
        subject: median(a / b for a, b in zip(kinds[kind], base_times, strict=True))
        for subject, kinds in times.items()
    }


def _measure(subjects: dict[str, Subject], cases: dict[str, Case]) -> Times:
    times: Times = {
        case: {subject: {"whole": [], "redis": []} for subject in subjects} for case in cases
    }
    for number in range(-1, ROUNDS):  # round -1 is the warm-up
        names = list(subjects)
        start = number % len(names)
        for name, case in cases.items():
            for subject in names[start:] + names[:start]:
                whole, redis = subjects[subject].measure(name, case)
                if number >= 0:
                    times[name][subject]["whole"].append(whole)
                    times[name][subject]["redis"].append(redis)
    return times
