"""Waiting for what is about to come true."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def eventually(holds: Callable[[], Any], within: float = 20.0) -> float:
    """Seconds until `holds()` is true. Fails the test after `within`."""
    started = time.perf_counter()
    while not holds():
        assert time.perf_counter() - started < within, f"not within {within} s"
        time.sleep(0.005)
    return time.perf_counter() - started
