"""The cases: which requests are measured, the expected responses, and the expected work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from bench import workload
from bench.contestants import Contestant
from bench.options import CONNECTIONS

RIVALS = ("ours", "fastify", "go")
"""The contestants of most of the cases after the first three. More would take too long."""
HASH_READS = ("hmget", "hgetall")


@dataclass(frozen=True, kw_only=True)
class Case:
    name: str
    label: str
    """Its words in a table."""
    requests: Callable[[], list[bytes]]
    """Builds the HTTP requests. They are sent over and over, in this order."""
    status: HTTPStatus
    commands: tuple[str, ...] = ()
    """The Redis commands that do the work: any of them counts."""
    calls: int = 0
    """How many of these commands each request needs at least."""
    title: str = ""
    """The heading of its own table. Without it, the table of all other cases shows the case."""
    contestants: tuple[str, ...] | None = None
    """Names of the contestants, or None for all."""
    connections: int = CONNECTIONS
    has_ceilings: bool = False
    """Whether the ceilings are measured too."""

    def measures(self, contestant: Contestant) -> bool:
        if contestant.is_ceiling:
            return self.has_ceilings
        return self.contestants is None or contestant.name in self.contestants


SAVES = (
    Case(
        name="save",
        label="saves",
        title="Saves: `POST /api/progress`",
        requests=workload.saves,
        status=HTTPStatus.NO_CONTENT,
        commands=("hset", "hmset"),
        calls=1,
        has_ceilings=True,
    ),
    Case(
        name="connections-256",
        label="saves on 256 connections",
        requests=workload.saves,
        status=HTTPStatus.NO_CONTENT,
        commands=("hset", "hmset"),
        calls=1,
        contestants=RIVALS,
        connections=256,
    ),
    Case(
        name="nginx",
        label="saves with nginx's headers",
        requests=workload.saves_through_nginx,
        status=HTTPStatus.NO_CONTENT,
        commands=("hset", "hmset"),
        calls=1,
        contestants=RIVALS,
    ),
)
READS = (
    Case(
        name="point",
        label="found point",
        title="Reads of one point: `GET /api/progress/{user}/{video}`",
        requests=workload.reads,
        status=HTTPStatus.OK,
        commands=HASH_READS,
        calls=1,
    ),
    Case(
        name="missing",
        label="missing point (404)",
        requests=workload.missing_reads,
        status=HTTPStatus.NOT_FOUND,
        commands=HASH_READS,
        calls=1,
        contestants=RIVALS,
    ),
    Case(
        name="refused",
        label="refused token (401)",
        requests=workload.refused_reads,
        status=HTTPStatus.UNAUTHORIZED,
        contestants=RIVALS,
    ),
)
LISTS = (
    Case(
        name="list",
        label="list of 50 points",
        title="Lists of 50 points: `GET /api/progress/{user}`",
        requests=workload.lists,
        status=HTTPStatus.OK,
        commands=HASH_READS,
        calls=50,
    ),
    Case(
        name="in-progress",
        label="page of 20 points in progress",
        requests=workload.pages_in_progress,
        status=HTTPStatus.OK,
        commands=HASH_READS,
        calls=20,
        contestants=("ours",),
    ),
    Case(
        name="page-of-50",
        label="page of 50 of 50 points",
        requests=workload.pages_of_short_lists,
        status=HTTPStatus.OK,
        commands=HASH_READS,
        calls=50,
        contestants=("ours",),
    ),
    Case(
        name="page-of-1000",
        label="page of 50 of 1,000 points",
        requests=workload.pages_of_long_lists,
        status=HTTPStatus.OK,
        commands=HASH_READS,
        calls=50,
        contestants=("ours",),
    ),
)
GROUPS = (SAVES, READS, LISTS)
"""Each round measures all cases of a group, so that they can be compared with each other."""
CASES = {case.name: case for group in GROUPS for case in group}
IDLE, LATENCY, BURST = "idle", "latency", "burst"
"""Measurements with modules of their own. BENCH_CASES names them too."""
NAMES = (*CASES, IDLE, LATENCY, BURST)
COMPARISONS = (
    ("missing", "point"),
    ("refused", "point"),
    ("page-of-1000", "page-of-50"),
    ("connections-256", "save"),
    ("nginx", "save"),
)
"""Pairs of cases. The report divides the first by the second, for the same contestant."""
