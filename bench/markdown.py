"""Markdown tables, and the words of figures in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

TEXTS = ("contestant", "case", "first ÷ second", "versions")
"""Columns that are aligned left."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rule = ["---" if column in TEXTS else "---:" for column in head]
    return "".join(f"| {' | '.join(row)} |\n" for row in [head, rule, *rows])


def spread(values: Sequence[float]) -> str:
    """The median, followed by the least and the greatest."""
    return f"**{median(values):.2f}** ({min(values):.2f} to {max(values):.2f})"


def ratios(firsts: Sequence[float], seconds: Sequence[float]) -> list[float]:
    """The ratio of each round."""
    return [first / second for first, second in zip(firsts, seconds, strict=True)]
