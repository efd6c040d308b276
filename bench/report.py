"""RESULTS.md, out of the figures that results.json keeps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from bench.contestants import CONTESTANTS
from bench.options import CONNECTIONS
from bench.versions import in_words

TITLES = {each.name: each.title for each in CONTESTANTS}
OURS = tuple(each.name for each in CONTESTANTS if each.is_ours)
CEILINGS = tuple(each.name for each in CONTESTANTS if each.is_ceiling)
CEILING_OF = {"ours": "noop", "ours-granian": "noop-granian"}
CASES = {
    "save": "Saves: `POST /api/progress`",
    "point": "Reads of one point: `GET /api/progress/{user}/{video}`",
    "list": "Lists of 50 points: `GET /api/progress/{user}`",
}
TEXTS = ("contestant", "its ceiling", "versions")
INTRODUCTION = """\
# Results of `make bench`

Written by the program; `README.md` beside it tells how it measures and how to repeat it.
{date}: {rounds} rounds, {seconds} s for each contestant in each round, {connections} connections.
{machine}.

Every contestant is one process held to one core; Redis and the load generator have another.
Requests a second are the median over the rounds. A ratio is the **median of the rounds' own
ratios**, with the least and the greatest behind it: above 1.00, the service is the faster.
"""
REMARKS = """\
## What to bear in mind

- The service does more for a save than the peers: it refuses a measurement older than the stored
  one, keeps `watched` and the time it was first reached, caps a user's points, marks the point for
  an archive, all in one atomic script; and it counts metrics, tags requests with ids and bounds the
  time Redis may take. The peers overwrite, in a plain pipeline.
- The service remembers verified tokens until they expire or the keys change, and so does fast-jwt in
  the Node peers; PyJWT has no such memory, and the Python peers check each signature.
- The ceilings answer by way of WSGI. Under gunicorn the service's worker answers flawless requests
  before WSGI, so it can be above what its WSGI can do at best.
- One process and one core: neither what several workers share nor the cost of a real network is in
  these figures. Redis keeps nothing on disk here, where production syncs each save.
- A contestant whose core was not busy waited for the load generator or for Redis, and could do more.
- The ratio is the figure to trust. Requests a second follow the machine, and a cloud machine's
  cores are not all its own.
"""


def render(results: dict[str, Any]) -> str:
    """The text of RESULTS.md."""
    rates = results["requests_per_second"]
    parts = [INTRODUCTION.format(**_heading(results))]
    parts += [f"## {title}\n\n{peak_table(results, case)}" for case, title in CASES.items()]
    if any(ceiling in rates["save"] for ceiling in CEILINGS):
        parts.append(f"## How near saves come to doing nothing\n\n{_ceilings(rates['save'])}")
    parts.append(_latency(results["latency"]))
    parts.append(REMARKS)
    rows = [[TITLES[name], in_words(v)] for name, v in results["versions"].items()]
    parts.append(f"## Versions\n\n{_table(['contestant', 'versions'], rows)}")
    return "\n".join(parts)


def ratios(ours: Sequence[float], peers: Sequence[float]) -> list[float]:
    """Of each round."""
    return [mine / theirs for mine, theirs in zip(ours, peers, strict=True)]


def peak_table(results: dict[str, Any], case: str) -> str:
    """What each contestant reached in `case`, and the service beside it."""
    rates, busy = results["requests_per_second"][case], results["core_busy"][case]
    ours = [name for name in OURS if name in rates]
    head = ["contestant", "requests/s", "core busy", *(f"{TITLES[name]} / it" for name in ours)]
    rows = [
        [
            TITLES[name],
            f"{median(by_round):,.0f}",
            f"{median(busy[name]):.0%}",
            *(_spread(ratios(rates[mine], by_round)) if mine != name else "" for mine in ours),
        ]
        for name, by_round in rates.items()
        if name not in CEILINGS
    ]
    return _table(head, rows)


def _ceilings(saves: dict[str, list[float]]) -> str:
    rows = []
    for name, ceiling in CEILING_OF.items():
        if name in saves and ceiling in saves:
            fraction = _spread(ratios(saves[name], saves[ceiling]))
            peak = f"{median(saves[ceiling]):,.0f}"
            rows.append([TITLES[name], TITLES[ceiling], peak, fraction])
    return _table(["contestant", "its ceiling", "requests/s", "fraction of it"], rows)


def _latency(latency: dict[str, Any]) -> str:
    rows = []
    for name, by_round in latency["rounds"].items():
        middle = {key: median([each[key] for each in by_round]) for key in by_round[0]}
        rows.append([TITLES[name], f"{middle['p50']:.2f}", f"{middle['p99']:.2f}"])
    delay = median(r["generator_p99"] for rounds in latency["rounds"].values() for r in rounds)
    return (
        f"## Latency of saves at {latency['rate']:,.0f} a second\n\n"
        "Half of FastAPI's peak (of the slowest contestant's where FastAPI takes no part), sent to"
        " each alike\nat random moments, measured from when each fell due; medians of the rounds'"
        f" own percentiles. The\ngenerator itself was late by {delay:.2f} ms at its 99th percentile,"
        " which is in these figures.\n\n" + _table(["contestant", "p50, ms", "p99, ms"], rows)
    )


def _heading(results: dict[str, Any]) -> dict[str, Any]:
    machine = in_words(results["machine"])
    return {**results["settings"], "machine": machine, "connections": CONNECTIONS}


def _spread(values: Sequence[float]) -> str:
    return f"**{median(values):.2f}** ({min(values):.2f} to {max(values):.2f})"


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    rule = ["---" if column in TEXTS else "---:" for column in head]
    return "".join(f"| {' | '.join(row)} |\n" for row in [head, rule, *rows])
