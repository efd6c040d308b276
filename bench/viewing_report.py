"""The report of `make bench-viewing`: bench/VIEWING.md."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import psycopg
import sqlalchemy

from bench.viewing_data import add_archived
from dev.service import ROOT
from resume_service.viewing import queries

REPORT = ROOT / "bench" / "VIEWING.md"
MAX_P95_MS = 50.0
MAX_RATIO = 2.0
"""Maximum of the p99 of saves beside a list, divided by that of saves alone."""
LISTS = ("continue", "next-up")
BEGUN = 500
"""Series that the viewer of the plan has begun. Half of the episodes of each are watched."""
Figures = Mapping[str, Mapping[str, float]]


class Load(NamedTuple):
    videos: int
    viewers: int
    saves: float
    """Per second."""
    lists: float
    """Requests per second for each list."""
    archived: int
    """Points of each viewer that only the archive has."""


def broken_promises(figures: Figures) -> list[str]:
    found = []
    for name in LISTS:
        if figures[name]["p95"] >= MAX_P95_MS:
            found.append(f"p95 of {name}: {figures[name]['p95']:.1f} ms")
        if _ratio(figures, name) > MAX_RATIO:
            found.append(f"p99 of saves beside {name}: {_ratio(figures, name):.2f} times")
    return found


def plan(url: str, user: str, series: int) -> str:
    """The plan of next-up for a viewer of whom only the archive has 25,000 points."""
    step = max(1, series // BEGUN)
    add_archived(url, user, list(range(1, series + 1, step))[:BEGUN], seasons=5)
    engine = sqlalchemy.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url))
    values = {"points": "", "deletions": "", "user_id": user, "watched_percent": 90}
    values |= {"sees_all": False, "corporation_id": None, "limit": 20}
    explain = "EXPLAIN (ANALYZE, BUFFERS OFF, COSTS OFF) "
    statement = sqlalchemy.text(explain + queries.NEXT_EPISODES.text)
    with engine.begin() as sql:
        sql.execute(sqlalchemy.text("ANALYZE watch_archive"))
        sql.execute(sqlalchemy.text("SET LOCAL jit = off"))
        sql.execute(statement, values).all()
        lines = [row[0] for row in sql.execute(statement, values)]
    engine.dispose()
    return "\n".join(lines)


def write(figures: Figures, plan: str, load: Load) -> None:
    rows = [
        f"| {name} | {_cell(each, 'p50')} | {_cell(each, 'p95')} | {_cell(each, 'p99')} |"
        for name, each in figures.items()
    ]
    ratios = ", ".join(f"{_ratio(figures, name):.2f} beside {name}" for name in LISTS)
    text = [
        "# Continue watching and next up: how long a request takes",
        "",
        f"`make bench-viewing` wrote this on {datetime.now(UTC):%Y-%m-%d}, with {load.videos:,} videos and",
        f"{load.viewers} viewers of lists. Each has 1,000 points in Redis and the archive, and {load.archived:,} more",
        f"in the archive only. Beside {load.saves:,.0f} saves/s, a list is requested {load.lists:.0f} times per second. A",
        "latency starts when its request was due. All times are in ms. Two web workers, Redis, Postgres",
        f"and both load generators share {os.cpu_count()} cores. Postgres runs with `fsync=off`, and the worker that",
        "flushes to the archive does not run.",
        "",
        "| requests | p50 | p95 | p99 |",
        "|---|---|---|---|",
        *rows,
        "",
        f"The p95 of both lists must be below {MAX_P95_MS:.0f} ms. The p99 of saves must at most double:",
        f"it was {ratios}.",
        "",
        f"## The plan of next-up for {BEGUN} begun series of 100 episodes",
        "",
        "Only the archive has these 25,000 points. No table is scanned as a whole, and the search for",
        "next episodes ends after 20 items.",
        "",
        "```",
        plan,
        "```",
        "",
    ]
    REPORT.write_text("\n".join(text))


def _ratio(figures: Figures, name: str) -> float:
    return figures[f"saves beside {name}"]["p99"] / figures["saves alone"]["p99"]


def _cell(figures: Mapping[str, float], key: str) -> str:
    return f"{figures[key]:.1f}" if key in figures else ""
