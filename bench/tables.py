"""The tables of RESULTS.md, from the figures of results.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from bench.burst import NAME as BURST_CONTESTANT
from bench.cases import CASES, COMPARISONS
from bench.contestants import CONTESTANTS
from bench.markdown import ratios, spread, table
from bench.rounds import Figures

TITLES = {each.name: each.title for each in CONTESTANTS}
OURS = tuple(each.name for each in CONTESTANTS if each.is_ours)
BY_RATE, BY_CPU = "÷, by rate", "÷, by CPU"
MEGABYTE = 1e6
FAILED = "no response"


def main_case(by_contestant: dict[str, Figures]) -> str:
    """The table of a case that all contestants take part in."""
    rows = []
    for name, figures in by_contestant.items():
        busy = median(map(_busy, figures["rate"], figures["cpu_us"]))
        rows.append([TITLES[name], *_medians(figures), f"{busy:.0%}", *_ours(by_contestant, name)])
    return table(["contestant", "requests/s", "CPU µs", "core used", BY_RATE, BY_CPU], rows)


def other_cases(cases: dict[str, dict[str, Figures]]) -> str:
    rows = [
        [CASES[case].label, TITLES[name], *_medians(figures), *_ours(by_contestant, name)]
        for case, by_contestant in cases.items()
        for name, figures in by_contestant.items()
    ]
    return table(["case", "contestant", "requests/s", "CPU µs", BY_RATE, BY_CPU], rows)


def comparisons(cases: dict[str, dict[str, Figures]]) -> str:
    """Cases divided by each other, for the same contestant."""
    rows = [
        [
            f"{CASES[first].label} ÷ {CASES[second].label}",
            TITLES[name],
            *_quotients(cases[first][name], cases[second][name]),
        ]
        for first, second in COMPARISONS
        for name in cases.get(first, {})
        if name in cases.get(second, {})
    ]
    return table(["first ÷ second", "contestant", BY_RATE, BY_CPU], rows) if rows else ""


def idle(by_contestant: dict[str, dict[str, Any]]) -> str:
    head = ["contestant", "idle connections", "saves/s", "CPU µs", "times the CPU without"]
    head += ["extra memory, MB", "open at the end"]
    rows = [
        [TITLES[name], f"{int(count):,}", *_idle_figures(figures, by_count["0"])]
        for name, by_count in by_contestant.items()
        for count, figures in by_count.items()
    ]
    return table(head, rows)


def latency(results: Mapping[str, Any]) -> str:
    rows = [[TITLES[n], *_percentiles(each)] for n, each in results.get("latency", {}).items()]
    if "burst" in results:
        title = f"{TITLES[BURST_CONTESTANT]}, beside bursts"
        rows.append([title, *_percentiles(results["burst"])])
    return table(["contestant", "p50, ms", "p99, ms", "delay of the generator, p99, ms"], rows)


def _ours(by_contestant: dict[str, Figures], name: str) -> tuple[str, str]:
    """The service's ratios to the contestant `name`, by rate and by CPU."""
    ours = next((each for each in OURS if each in by_contestant), name)
    return ("", "") if ours == name else _quotients(by_contestant[ours], by_contestant[name])


def _quotients(first: Figures, second: Figures) -> tuple[str, str]:
    """`first` ÷ `second` by rate and by CPU. Above 1.00, `first` is better in both."""
    by_rate = ratios(first["rate"], second["rate"])
    return spread(by_rate), spread(ratios(second["cpu_us"], first["cpu_us"]))


def _medians(figures: Figures) -> tuple[str, str]:
    return f"{median(figures['rate']):,.0f}", f"{median(figures['cpu_us']):.1f}"


def _busy(rate: float, cpu_us: float) -> float:
    """The share of a core, 0 to 1."""
    return rate * cpu_us / 1e6


def _idle_figures(figures: dict[str, Any], without: dict[str, Any]) -> list[str]:
    if figures is without:
        return [*_medians(figures), "", "", ""]
    pairs = zip(figures["memory"], without["memory"], strict=True)
    memory = f"{median((used - base) / MEGABYTE for used, base in pairs):.1f}"
    still_open = f"{min(figures['open']):,}"
    if None in figures["rate"]:
        return [FAILED, FAILED, FAILED, memory, still_open]
    times = spread(ratios(figures["cpu_us"], without["cpu_us"]))
    return [*_medians(figures), times, memory, still_open]


def _percentiles(by_round: Sequence[dict[str, float]]) -> list[str]:
    keys = ("p50", "p99", "generator_p99")
    return [f"{median(each[key] for each in by_round):.2f}" for key in keys]
