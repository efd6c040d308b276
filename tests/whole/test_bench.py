"""`make bench`: invalid measurements fail, and the report shows the measured figures."""

from __future__ import annotations

import json
import socket
import threading
import time

import pytest

from bench import latency, report, rounds, wrk
from bench.contestants import CONTESTANTS
from bench.options import HERE, BenchFailed, Options

NAMES = [each.name for each in CONTESTANTS]
RESPONSE = b"HTTP/1.1 204 No Content\r\n\r\n"


def wrk_output(**result: int) -> str:
    return f"some table\n{json.dumps({'requests': 100, 'refused': 0, 'broken': 0, 'microseconds': 2_000_000} | result)}"


@pytest.fixture
def start_server():
    """`start_server(response, stall)` returns the port of a server that always sends `response`.

    For `stall` seconds before its first response, it sends nothing to any client.
    """
    listener = socket.create_server(("127.0.0.1", 0))

    def start(response: bytes, stall: float) -> int:
        pauses, lock = iter([stall]), threading.Lock()

        def serve(client: socket.socket) -> None:
            with client:
                while client.recv(65536):
                    with lock:  # the pause blocks all clients
                        time.sleep(next(pauses, 0))
                    client.sendall(response)

        def accept() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(client,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return listener.getsockname()[1]

    yield start
    listener.close()


def test_the_counts_of_wrk_are_parsed():
    assert wrk.parse(wrk_output()) == (100, 2.0)


@pytest.mark.parametrize("fault", [{"refused": 1}, {"broken": 1}, {"requests": 0}])
def test_a_run_with_a_failed_request_or_without_requests_fails(fault):
    with pytest.raises(BenchFailed):
        wrk.parse(wrk_output(**fault))


@pytest.mark.parametrize(
    "env",
    [
        {"BENCH_ROUNDS": "0"},
        {"BENCH_SECONDS": "-1"},
        {"BENCH_SECONDS": "x"},
        {"BENCH_ONLY": "rails"},
    ],
)
def test_an_invalid_option_ends_the_bench(env):
    with pytest.raises(BenchFailed):
        Options.from_env(env, NAMES)


def test_the_equal_load_is_half_of_the_median_of_fastapi():
    assert rounds.equal_load({"ours": [9000.0], "fastapi": [3000.0, 3200.0, 2000.0]}) == 1500


def test_each_round_has_its_own_ratio():
    assert report.ratios([100, 300], [50, 100]) == [2.0, 3.0]


def test_a_stall_delays_every_request_that_was_due_during_it(start_server):
    """A latency counts from the time when the request was due, not from when it was sent."""
    stalled = latency.measure(start_server(RESPONSE, stall=0.2), [b"POST"], rate=200, seconds=1)

    assert stalled["p99"] > 100  # ms


def test_a_response_other_than_204_ends_the_latency_measurement(start_server):
    with pytest.raises(BenchFailed):
        latency.measure(start_server(b"HTTP/1.1 503 x\r\n\r\n", stall=0), [b"POST"], 100, 0.2)


def test_results_md_shows_the_figures_of_results_json():
    measured = json.loads((HERE / "results.json").read_text())

    assert report.render(measured) == (HERE / "RESULTS.md").read_text()
