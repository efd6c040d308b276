"""What `make bench` claims can be trusted: it refuses what tells nothing, and its report is its figures."""

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
ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


def wrk_said(**result: int) -> str:
    return f"some table\n{json.dumps({'requests': 100, 'refused': 0, 'broken': 0, 'microseconds': 2_000_000} | result)}"


@pytest.fixture
def answering():
    """`answering(answer, stall)`: a server of that one answer, which pauses once for `stall` seconds."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(answer: bytes, stall: float) -> int:
        pauses, turn = iter([stall]), threading.Lock()

        def talk(client: socket.socket) -> None:
            with client:
                while client.recv(65536):
                    with turn:  # while it pauses, nobody is answered
                        time.sleep(next(pauses, 0))
                    client.sendall(answer)

        def accept() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=talk, args=(client,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return listener.getsockname()[1]

    yield serve
    listener.close()


def test_what_wrk_counted_is_taken_over():
    assert wrk.parse(wrk_said()) == (100, 2.0)


@pytest.mark.parametrize("fault", [{"refused": 1}, {"broken": 1}, {"requests": 0}])
def test_a_run_with_any_request_refused_or_broken_is_no_result(fault):
    with pytest.raises(BenchFailed):
        wrk.parse(wrk_said(**fault))


@pytest.mark.parametrize(
    "env",
    [
        {"BENCH_ROUNDS": "0"},
        {"BENCH_SECONDS": "-1"},
        {"BENCH_SECONDS": "x"},
        {"BENCH_ONLY": "rails"},
    ],
)
def test_an_option_that_can_not_be_used_ends_the_bench(env):
    with pytest.raises(BenchFailed):
        Options.from_env(env, NAMES)


def test_all_bear_half_of_what_fastapi_can():
    assert rounds.equal_load({"ours": [9000.0], "fastapi": [3000.0, 3200.0, 2000.0]}) == 1500


def test_a_ratio_is_of_one_round_and_not_of_medians():
    assert report.ratios([100, 300], [50, 100]) == [2.0, 3.0]


def test_a_server_that_stalls_pays_for_every_request_that_it_kept_waiting(answering):
    stalled = latency.measure(answering(ANSWER, stall=0.2), [b"POST"], rate=200, seconds=1)

    assert stalled["p99"] > 100  # ms; by when each was sent, one request alone would be late


def test_any_answer_but_a_204_ends_a_measurement_of_latency(answering):
    with pytest.raises(BenchFailed):
        latency.measure(answering(b"HTTP/1.1 503 x\r\n\r\n", stall=0), [b"POST"], 100, 0.2)


def test_the_results_shown_are_those_measured():
    measured = json.loads((HERE / "results.json").read_text())

    assert report.render(measured) == (HERE / "RESULTS.md").read_text()
