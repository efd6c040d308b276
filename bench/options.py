"""The options of a run, from environment variables, and the exception for a failed run."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONNECTIONS = 32


class BenchFailed(Exception):
    """A run without a valid result. Its message is shown to the user."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Each field comes from the variable BENCH_<FIELD>."""

    rounds: int = 5
    seconds: int = 4
    """Duration of a measurement: one contestant in one round of one case."""
    only: tuple[str, ...] = ()
    """Names of the contestants to measure. Empty: all."""
    cases: tuple[str, ...] = ()
    """Names of the cases to measure. Empty: all."""
    output: Path = HERE
    """The folder for RESULTS.md and results.json."""

    @classmethod
    def from_env(
        cls, env: Mapping[str, str], contestants: Collection[str], cases: Collection[str] = ()
    ) -> Options:
        """Raises BenchFailed for an invalid value."""
        return cls(
            rounds=_count(env, "BENCH_ROUNDS", cls.rounds),
            seconds=_count(env, "BENCH_SECONDS", cls.seconds),
            only=_some(env, "BENCH_ONLY", contestants),
            cases=_some(env, "BENCH_CASES", cases),
            output=Path(env.get("BENCH_OUTPUT") or cls.output),
        )

    def measures(self, case: str) -> bool:
        return not self.cases or case in self.cases


def cores() -> tuple[int, int]:
    """The core for the server under test, and the core for everything else.

    Raises BenchFailed on a machine with one core.
    """
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:  # noqa: PLR2004 - one for the server, one for the load
        raise BenchFailed("make bench needs two cores: one to serve, one to load")
    return allowed[0], allowed[1]


def _count(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise BenchFailed(f"{name} takes a whole number above 0, not {text!r}")
    return int(text)


def _some(env: Mapping[str, str], name: str, known: Collection[str]) -> tuple[str, ...]:
    some = tuple(each.strip() for each in env.get(name, "").split(",") if each.strip())
    if unknown := set(some) - set(known):
        raise BenchFailed(
            f"{name} takes some of {', '.join(known)}, not {', '.join(sorted(unknown))}"
        )
    return some
