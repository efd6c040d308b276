"""Renders RESULTS.md from results.json."""

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
TEXTS = ("contestant", "ceiling", "versions")
"""Columns that are aligned left."""
INTRODUCTION = """\
# Results of `make bench`

The program wrote this file. `README.md` explains the method and how to repeat it.
{date}: {rounds} rounds, {seconds} s for each contestant in each round, {connections} connections.
{machine}.

Every contestant is one process bound to one core. Redis and the load generator share another core.
Requests per second are the median over the rounds. A ratio is the **median of the ratios of each
round**, followed by the least and the greatest. Above 1.00, the service is faster.
"""
REMARKS = """\
## Notes

- The service does more work per save than the peers. An atomic script refuses outdated measurements
  and keeps `watched` with its first time. It also caps a user's points and adds a backlog entry.
  The service also counts metrics, sets request ids and applies timeouts to Redis calls.
  The peers overwrite the point in a plain pipeline.
- The service caches verified tokens until they expire or the keys change. fast-jwt in the Node peers
  does this too. PyJWT has no such cache, so the Python peers verify each signature.
- The ceilings answer through WSGI. Under gunicorn, the service's worker answers ordinary requests
  before WSGI. So the service can be faster than its ceiling.
- The figures are for one process and one core. They do not show what several workers share, or the
  cost of a real network. Redis has no persistence here, but production syncs each save to disk.
- If a contestant's core was not busy, it waited for the load generator or Redis and could do more.
- Trust the ratios most. Requests per second depend on the machine, and other users share the cores
  of a cloud machine.
"""


def render(results: dict[str, Any]) -> str:
    """The text of RESULTS.md."""
    rates = results["requests_per_second"]
    parts = [INTRODUCTION.format(**_heading(results))]
    parts += [f"## {title}\n\n{peak_table(results, case)}" for case, title in CASES.items()]
    if any(ceiling in rates["save"] for ceiling in CEILINGS):
        parts.append(
            f"## Saves compared with an empty WSGI application\n\n{_ceilings(rates['save'])}"
        )
    parts.append(_latency(results["latency"]))
    parts.append(REMARKS)
    rows = [[TITLES[name], in_words(v)] for name, v in results["versions"].items()]
    parts.append(f"## Versions\n\n{_table(['contestant', 'versions'], rows)}")
    return "\n".join(parts)


def ratios(ours: Sequence[float], peers: Sequence[float]) -> list[float]:
    """The ratio of each round."""
    return [our / peer for our, peer in zip(ours, peers, strict=True)]


def peak_table(results: dict[str, Any], case: str) -> str:
    """Requests per second of each contestant in `case`, and the service's ratios to it."""
    rates, busy = results["requests_per_second"][case], results["core_busy"][case]
    ours = [name for name in OURS if name in rates]
    head = [
        "contestant",
        "requests/s",
        "core busy",
        *(f"{TITLES[name]} / contestant" for name in ours),
    ]
    rows = [
        [
            TITLES[name],
            f"{median(by_round):,.0f}",
            f"{median(busy[name]):.0%}",
            *(_spread(ratios(rates[our], by_round)) if our != name else "" for our in ours),
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
    return _table(
        ["contestant", "ceiling", "requests/s of the ceiling", "share of the ceiling"], rows
    )


def _latency(latency: dict[str, Any]) -> str:
    rows = []
    for name, by_round in latency["rounds"].items():
        medians = {key: median([each[key] for each in by_round]) for key in by_round[0]}
        rows.append([TITLES[name], f"{medians['p50']:.2f}", f"{medians['p99']:.2f}"])
    delay = median(r["generator_p99"] for rounds in latency["rounds"].values() for r in rounds)
    return (
        f"## Latency of saves at {latency['rate']:,.0f} per second\n\n"
        "This is half of FastAPI's peak (without FastAPI, half of the slowest contestant's peak)."
        " Requests are\nsent at random times, and each latency starts when its request was due."
        " The figures are medians of the\npercentiles of each round. They include the delay of the"
        f" load generator: {delay:.2f} ms at its 99th\npercentile.\n\n"
        + _table(["contestant", "p50, ms", "p99, ms"], rows)
    )


def _heading(results: dict[str, Any]) -> dict[str, Any]:
    machine = in_words(results["machine"])
    return {**results["settings"], "machine": machine, "connections": CONNECTIONS}


def _spread(values: Sequence[float]) -> str:
    return f"**{median(values):.2f}** ({min(values):.2f} to {max(values):.2f})"


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    rule = ["---" if column in TEXTS else "---:" for column in head]
    return "".join(f"| {' | '.join(row)} |\n" for row in [head, rule, *rows])
