"""Renders RESULTS.md from results.json."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench import tables
from bench.cases import CASES
from bench.latency import RATE
from bench.markdown import table
from bench.options import CONNECTIONS
from bench.versions import in_words

INTRODUCTION = """\
# Results of `make bench`

The program wrote this file. `README.md` explains the method and how to repeat it.
{date}: {rounds} rounds, {seconds} s for each contestant in each round, {connections} connections.
{machine}.

Every contestant is one process bound to one core. Redis and the load generator share another core.
Requests per second, and microseconds of CPU per request, are medians of the rounds. The kernel counts
the CPU time of all processes of a contestant. **÷** is resume-service divided by the contestant: the
**median of the ratios of each round**, followed by the least and the greatest. **Above 1.00, the service
is better**: it answers more requests, or it needs less CPU time.
"""
COMPARISONS = """\
The same contestant in two cases. Above 1.00, the first case is faster. 0.80 means that the first case
takes 1.25 times as long.

{table}"""
IDLE = """\
## Saves beside idle connections

Each idle connection has sent one save and stays open. Another {connections} connections send saves. The
memory is the resident memory of all processes of the contestant, compared with no idle connection. It
does not include the buffers of the kernel.

{table}"""
LATENCY = """\
## Latency of saves at {rate:,} per second

Requests are sent at random times, and each latency starts when its request was due. The figures are
medians of the percentiles of each round. They include the delay of the load generator. A contestant with
a peak near this rate has a queue, and the percentiles grow with the time of the measurement.

Bursts are 20 requests at the same time, once a second. Flask answers them, and each takes 5 ms of CPU.

{table}"""
REMARKS = """\
## Notes

- The service does more work per save than the peers. An atomic script refuses outdated measurements
  and keeps `watched` with its first time. It also caps a user's points and adds a backlog entry.
  The service also counts metrics, sets request ids and applies timeouts to Redis calls.
  The peers overwrite the point in a plain pipeline.
- The service caches verified tokens until they expire or the keys change. fast-jwt in the Node peers
  does this too, and so do the Go server and the application on fastpysgi. PyJWT has no such cache, so
  the Flask and FastAPI peers verify each signature.
- fastpysgi has no threads. Its application waits for each round trip to Redis, so its core is not busy.
- A no-op answers 204 through WSGI without work. Under gunicorn, the service's worker answers ordinary
  requests before WSGI. So the service can be faster than the no-op.
- The figures are for one process and one core. They do not show what several workers share, or the
  cost of a real network. Redis has no persistence here, but production syncs each save to disk.
- If a contestant did not use its whole core, it waited for the load generator or Redis and could do
  more. Then compare by CPU.
- Trust the ratios most. Requests per second depend on the machine, and other users share the cores
  of a cloud machine.
"""


def render(results: dict[str, Any]) -> str:
    """The text of RESULTS.md. Cases that were not measured are left out."""
    return "\n".join(
        [INTRODUCTION.format(**_heading(results)), *_sections(results), REMARKS, _versions(results)]
    )


def _sections(results: dict[str, Any]) -> Iterator[str]:
    measured = results["cases"]
    for name, by_contestant in measured.items():
        if CASES[name].title:
            yield f"## {CASES[name].title}\n\n{tables.main_case(by_contestant)}"
    others = {name: each for name, each in measured.items() if not CASES[name].title}
    if others:
        yield f"## Other cases\n\n{tables.other_cases(others)}"
    if comparisons := tables.comparisons(measured):
        yield COMPARISONS.format(table=comparisons)
    if "latency" in results or "burst" in results:
        yield LATENCY.format(rate=RATE, table=tables.latency(results))
    if "idle" in results:
        yield IDLE.format(connections=CONNECTIONS, table=tables.idle(results["idle"]))


def _heading(results: dict[str, Any]) -> dict[str, Any]:
    machine = in_words(results["machine"])
    return {**results["settings"], "machine": machine, "connections": CONNECTIONS}


def _versions(results: dict[str, Any]) -> str:
    rows = [[tables.TITLES[name], in_words(each)] for name, each in results["versions"].items()]
    return f"## Versions\n\n{table(['contestant', 'versions'], rows)}"
