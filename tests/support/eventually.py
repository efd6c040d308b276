"""Wait for a condition."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def eventually(condition: Callable[[], Any], within: float = 20.0) -> float:
    """Return the seconds until `condition()` is true. Fail the test after `within` seconds."""
    started = time.perf_counter()
    while not condition():
        assert time.perf_counter() - started < within, f"not within {within} s"
        time.sleep(0.005)
    return time.perf_counter() - started
