"""What a run is told by environment variables, and the one way it fails."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONNECTIONS = 32


class BenchFailed(Exception):
    """A run that would tell nothing. Its text is for the one who started it."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """A field is the variable BENCH_<FIELD>."""

    rounds: int = 5
    seconds: int = 4
    """How long each contestant is measured in each round of each case."""
    only: tuple[str, ...] = ()
    """Names of contestants; all of them when empty."""
    output: Path = HERE
    """Where RESULTS.md and results.json go."""

    @classmethod
    def from_env(cls, env: Mapping[str, str], names: Collection[str]) -> Options:
        """Raises BenchFailed for what can't be used."""
        only = tuple(name.strip() for name in env.get("BENCH_ONLY", "").split(",") if name.strip())
        if unknown := set(only) - set(names):
            raise BenchFailed(
                f"BENCH_ONLY takes some of {', '.join(names)}, not {', '.join(sorted(unknown))}"
            )
        return cls(
            rounds=_count(env, "BENCH_ROUNDS", cls.rounds),
            seconds=_count(env, "BENCH_SECONDS", cls.seconds),
            only=only,
            output=Path(env.get("BENCH_OUTPUT") or cls.output),
        )


def cores() -> tuple[int, int]:
    """One core for the server under test, another for all else. Raises BenchFailed with fewer."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:  # noqa: PLR2004 - a server and what loads it must not share one
        raise BenchFailed("make bench needs two cores: one to serve, one to load")
    return allowed[0], allowed[1]


def _count(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise BenchFailed(f"{name} takes a whole number above 0, not {text!r}")
    return int(text)
