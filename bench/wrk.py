"""The peak of a server: wrk asks on 32 connections, each as soon as it has its answer."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from bench.options import CONNECTIONS, HERE, BenchFailed

GRACE_SECONDS = 30


def write_requests(path: Path, requests: list[bytes]) -> None:
    """Put `requests` where wrk.lua reads them."""
    path.write_bytes(b"".join(request + b"\0" for request in requests))


def run(port: int, requests: Path, seconds: int) -> tuple[int, float]:
    """How many requests were answered, and in how many seconds.

    Raises BenchFailed when any was answered with an error or not at all.
    """
    # One thread: it has one core, which it shares with Redis.
    command = ["wrk", "--threads", "1", "--connections", str(CONNECTIONS)]
    command += ["--duration", f"{seconds}s", "--timeout", "5s", "--script", str(HERE / "wrk.lua")]
    command += [f"http://127.0.0.1:{port}", "--", str(requests)]
    ended = subprocess.run(  # noqa: S603 - our own command
        command, capture_output=True, text=True, timeout=seconds + GRACE_SECONDS, check=False
    )
    if ended.returncode != 0:
        raise BenchFailed(f"wrk failed: {ended.stderr or ended.stdout}")
    return parse(ended.stdout)


def parse(output: str) -> tuple[int, float]:
    """As `run`, from what wrk printed."""
    result = json.loads(output.splitlines()[-1])
    if result["refused"] or result["broken"] or not result["requests"]:
        raise BenchFailed(f"not every request was answered with success: {result}")
    return result["requests"], result["microseconds"] / 1e6
