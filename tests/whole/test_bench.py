"""`make bench`: invalid measurements fail, and the report shows the measured figures."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from http import HTTPStatus

import pytest

from bench import cases, latency, markdown, process_usage, report, tables, workload, wrk
from bench.contestants import CONTESTANTS
from bench.options import HERE, BenchFailed, Options
from dev.service import ROOT

NAMES = [each.name for each in CONTESTANTS]
RESPONSE = b"HTTP/1.1 204 No Content\r\n\r\n"
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
UNAUTHORIZED = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
needs_wrk = pytest.mark.skipif(not shutil.which("wrk"), reason="make bench installs wrk")
PARENT_AND_BUSY_CHILD = """
import os, sys, time
if os.fork() == 0:
    while time.process_time() < 0.2:
        pass
    print("done", flush=True)
time.sleep(60)
"""


def wrk_output(**result: int) -> str:
    return f"some table\n{json.dumps({'requests': 100, 'unexpected': 0, 'broken': 0, 'microseconds': 2_000_000} | result)}"


@pytest.fixture
def start_server():
    """`start_server(response, stall)` returns the port of a server that always sends `response`.

    For `stall` seconds before its first response, it sends nothing to any client.
    """
    listener = socket.create_server(("127.0.0.1", 0))

    def start(response: bytes, stall: float) -> int:
        pauses, lock = iter([stall]), threading.Lock()

        def serve(client: socket.socket) -> None:
            # A client may end a connection with a reset.
            with client, contextlib.suppress(ConnectionError):
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


@pytest.mark.parametrize("fault", [{"unexpected": 1}, {"broken": 1}, {"requests": 0}])
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
        {"BENCH_CASES": "sign-in"},
    ],
)
def test_an_invalid_option_ends_the_bench(env):
    with pytest.raises(BenchFailed):
        Options.from_env(env, NAMES, cases.NAMES)


def test_only_the_chosen_cases_are_measured():
    options = Options.from_env({"BENCH_CASES": "save, idle"}, NAMES, cases.NAMES)

    assert [name for name in cases.NAMES if options.measures(name)] == ["save", "idle"]


@needs_wrk
def test_a_run_counts_the_responses_with_the_expected_error_status(start_server, tmp_path):
    wrk.write_requests(tmp_path / "requests", [REQUEST])
    port = start_server(NOT_FOUND, stall=0)

    answered, _ = wrk.run(port, tmp_path / "requests", 1, status=HTTPStatus.NOT_FOUND)

    assert answered > 0


@needs_wrk
def test_a_run_with_another_error_status_fails(start_server, tmp_path):
    wrk.write_requests(tmp_path / "requests", [REQUEST])
    port = start_server(UNAUTHORIZED, stall=0)

    with pytest.raises(BenchFailed):
        wrk.run(port, tmp_path / "requests", 1, status=HTTPStatus.NOT_FOUND)


def test_the_cpu_time_of_a_contestant_includes_its_child_processes():
    command = [sys.executable, "-c", PARENT_AND_BUSY_CHILD]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as parent:
        parent.stdout.readline()
        used = process_usage.cpu_seconds(parent.pid)
        memory = process_usage.resident_bytes(parent.pid)
        os.killpg(parent.pid, signal.SIGKILL)

    assert used > 0.15
    assert memory > 2_000_000


def test_the_case_nginx_sends_each_header_that_nginx_adds():
    config = (ROOT / "deploy" / "nginx.conf").read_text()
    added = re.findall(r'proxy_set_header (\S+) [^"]', config)  # "" removes a header

    head = workload.saves_through_nginx()[0].decode()

    assert len(added) > 3
    assert [name for name in added if f"\r\n{name}: " not in head] == []


def test_each_round_has_its_own_ratio():
    assert markdown.ratios([100, 300], [50, 100]) == [2.0, 3.0]


def test_both_ratios_are_above_one_if_the_service_is_better():
    """It answers twice as many requests, with a third of the CPU time of each."""
    ours, peer = {"rate": [200.0], "cpu_us": [10.0]}, {"rate": [100.0], "cpu_us": [30.0]}

    row = tables.main_case({"ours": ours, "fastify": peer}).splitlines()[-1]

    assert row.endswith("| **2.00** (2.00 to 2.00) | **3.00** (3.00 to 3.00) |")


def test_idle_connections_that_stop_all_saves_are_shown_as_a_failure():
    without = {"rate": [9.0], "cpu_us": [50.0], "memory": [5_000_000], "open": [0]}
    beside = {"rate": [None], "cpu_us": [None], "memory": [7_500_000], "open": [999]}

    row = tables.idle({"ours": {"0": without, "1000": beside}}).splitlines()[-1]

    assert row == (
        "| resume-service, gunicorn | 1,000 | no response | no response | no response | 2.5 | 999 |"
    )


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
