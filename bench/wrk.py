"""Measures the peak of a server with wrk: each connection sends its next request at once."""

from __future__ import annotations

import json
import subprocess
from http import HTTPStatus
from pathlib import Path

from bench.options import CONNECTIONS, HERE, BenchFailed

GRACE_SECONDS = 30


def write_requests(path: Path, requests: list[bytes]) -> None:
    """Write `requests` to a file in the format that wrk.lua reads."""
    path.write_bytes(b"".join(request + b"\0" for request in requests))


def run(
    port: int,
    requests: Path,
    seconds: int,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    connections: int = CONNECTIONS,
) -> tuple[int, float]:
    """The number of answered requests, and the time in seconds.

    A `status` from 400 is expected exactly. Each status below 400 counts as a success.
    Raises BenchFailed if a request got another status or no response.
    """
    # One thread, because wrk has one core, which it shares with Redis.
    command = ["wrk", "--threads", "1", "--connections", str(connections)]
    command += ["--duration", f"{seconds}s", "--timeout", "5s", "--script", str(HERE / "wrk.lua")]
    command += [f"http://127.0.0.1:{port}", "--", str(requests), str(status.value)]
    process = subprocess.run(  # noqa: S603 - our own command
        command, capture_output=True, text=True, timeout=seconds + GRACE_SECONDS, check=False
    )
    if process.returncode != 0:
        raise BenchFailed(f"wrk failed: {process.stderr or process.stdout}")
    return parse(process.stdout)


def parse(output: str) -> tuple[int, float]:
    """The result of `run`, from the output of wrk."""
    result = json.loads(output.splitlines()[-1])
    if result["unexpected"] or result["broken"] or not result["requests"]:
        raise BenchFailed(f"not every request got the expected response: {result}")
    return result["requests"], result["microseconds"] / 1e6
