"""Calls of event pipelines to a real Redis: `python -m tests.support.event_jobs.real_redis URL ADMIN_URL ROUNDS`.

Each function returns outcomes. `tests/server/test_redis_pipeline.py` has the promises.
"""

# ruff: noqa: I001 - the harness comes first: it patches the process
from tests.support.event_jobs.harness import (
    SECONDS,
    SHORT,
    EventPipeline,
    blocked,
    by_callbacks,
    loop,
    main,
    outcome_of,
    outcomes_of,
    pipelines,
    until,
)

import gc
import random
import sys
import time
from collections import Counter
from typing import Any

import gevent
import redis

from resume_service.redis.call import Call, ReplySize
from resume_service.redis.client import new_client
from resume_service.redis.node import MAX_LARGE_CALLS, Node
from resume_service.redis.round_trip import MAX_SIZE, ReplicaWait

URL, ROUNDS = sys.argv[1], int(sys.argv[3])
redis_client = new_client(sys.argv[2], SECONDS)
HUGE = "x" * 20_000_000
"""More than the kernel takes at once."""


def unblock(door: str = "door") -> None:
    """End a round trip that `blocked` has started."""
    redis_client.rpush(door, "open")


def named_client(name: str) -> redis.Redis:
    return new_client(f"{URL}{'&' if '?' in URL else '?'}client_name={name}", SECONDS)


def connections(name: str) -> int:
    """The number of open connections of `named_client(name)`."""
    return [each["name"] for each in redis_client.client_list()].count(name)


def start_waiting(pipeline: EventPipeline, count: int) -> list[Any]:
    """Start calls by greenlets and by callbacks in turn. They wait for the running round trip."""
    before = pipeline.waiting
    starts = [pipeline.by_greenlet, pipeline.by_callback]
    calls = [starts[number % 2](("ECHO", f"word {number}")) for number in range(count)]
    until(lambda: pipeline.waiting == before + count)
    return calls


def callbacks_and_greenlets_share_a_round_trip() -> dict[str, Any]:
    pipeline = EventPipeline(URL)
    first, trips = blocked(pipeline), []
    send = pipeline.pipeline._connection.send
    pipeline.pipeline._connection.send = lambda *args: trips.append(args) or send(*args)
    waiting = start_waiting(pipeline, 50)
    unblock()
    return {"outcomes": outcomes_of([first, *waiting]), "round trips": len(trips)}


def round_trips_have_a_maximum_size() -> list[int]:
    pipeline = EventPipeline(URL)
    first, counts = blocked(pipeline), []
    send = pipeline.pipeline._connection.send
    pipeline.pipeline._connection.send = lambda data, count: (
        counts.append(count) or send(data, count)
    )
    number = 3 * MAX_SIZE // ReplySize.MEDIUM
    waiting = [pipeline.by_callback(("ECHO", str(n)), size=ReplySize.MEDIUM) for n in range(number)]
    unblock()
    outcomes_of([first, *waiting])
    return counts


def each_caller_gets_its_own_error() -> list[Any]:
    pipeline = EventPipeline(URL)
    redis_client.execute_command("SET", "foreign", b"\xff\xfe")
    first = blocked(pipeline)
    commands = [("ECHO", "a"), ("HGET", "foreign", "f"), ("GET", "foreign"), ("NOSUCH",)]
    waiting = [pipeline.by_callback(each) for each in (*commands, ("ECHO", "b"))]
    unblock()
    return outcomes_of([first, *waiting])[1:]


def writes_wait_for_replicas() -> list[Any]:
    pipeline = EventPipeline(URL, wait=ReplicaWait(1, 10))
    first = blocked(pipeline)
    waiting = [
        pipeline.by_callback(("SET", "k", "v"), writes=True),
        pipeline.by_greenlet(("SET", "k", "v"), writes=True),
        pipeline.by_greenlet(("ECHO", "read")),
    ]
    unblock()
    return outcomes_of([first, *waiting])[1:]


def killed_greenlets() -> list[Any]:
    pipeline = EventPipeline(URL)
    first, waiting = blocked(pipeline), start_waiting(pipeline, 10)
    killed = pipeline.by_greenlet(("INCR", "by a killed greenlet"))
    until(lambda: pipeline.waiting == 11)
    gevent.killall([killed, *waiting[::4]])
    unblock()
    outcomes = outcomes_of([first, killed, *waiting, pipeline.by_greenlet(("ECHO", "after"))])
    return [*outcomes, redis_client.get("by a killed greenlet"), pipeline.waiting]


def greenlet_killed_in_its_round_trip() -> list[Any]:
    pipeline = EventPipeline(URL)
    greenlet = pipeline.by_greenlet(("BLPOP", "door", 0))
    until(lambda: pipeline.is_blocked)
    waiting = start_waiting(pipeline, 4)
    greenlet.kill()
    unblock()
    return outcomes_of([greenlet, *waiting, pipeline.by_callback(("ECHO", "after"))])


def killed_greenlets_at_random_times() -> dict[str, int]:
    pipeline, chance, seen = EventPipeline(URL), random.Random(603), Counter()
    for turn in range(ROUNDS):
        words = [f"{turn} {number}" for number in range(20)]
        callers = [pipeline.by_greenlet(("ECHO", word)) for word in words]
        others = [pipeline.by_callback(("ECHO", word)) for word in words]
        gevent.sleep(chance.random() * 0.002)
        gevent.killall(chance.sample(callers, 5), block=False)
        for word, outcome in zip(words * 2, outcomes_of([*callers, *others]), strict=True):
            seen["own" if outcome == word else outcome] += 1
    seen["left"] = pipeline.waiting
    return seen


def replies_while_connections_are_killed() -> dict[str, int]:
    pipeline, seen, kills = EventPipeline(URL), Counter(), []

    def call_often(number: int) -> None:
        chance = random.Random(number)
        start = pipeline.by_greenlet if number % 2 else pipeline.by_callback
        for turn in range(5 * ROUNDS):
            word = f"{number}-{turn}-" + "x" * chance.choice((0, 1, 100, 70_000))
            table = [word, [len(word), None]]
            command, expected = chance.choice(
                (
                    (("ECHO", word), word),
                    (("EVAL", "return {ARGV[1], {#ARGV[1], false}}", 0, word), table),
                    (("EVAL", "return {err = 'MINE ' .. ARGV[1]}", 0, word), f"error: MINE {word}"),
                    (("GET", f"none {word[:50]}"), None),
                )
            )
            outcome = outcome_of(start(command))
            is_own = outcome in (expected, f"error: {expected}")
            seen["own" if is_own else str(outcome)[:50]] += 1

    callers = [gevent.spawn(call_often, number) for number in range(16)]
    while not all(caller.ready() for caller in callers):
        calls = seen.total()
        until(lambda calls=calls: seen.total() >= min(calls + 50, 80 * ROUNDS))
        kills.append(redis_client.client_kill_filter(_type="normal", skipme=True))
    seen["kills"] = sum(kills)
    seen["after"] = outcome_of(pipeline.by_greenlet(("ECHO", "after"))) == "after"
    return seen


def lost_connection_repeats_only_pending_calls() -> list[Any]:
    pipeline = EventPipeline(URL)
    first = blocked(pipeline)
    given_up = pipeline.by_callback(("BLPOP", "other door", 0), ("INCR", "n"), seconds=SHORT)
    pending = pipeline.by_greenlet(("ECHO", "own"))
    until(lambda: pipeline.waiting == 2)
    unblock()
    outcomes = outcomes_of([first, given_up])
    redis_client.client_kill_filter(_type="normal", skipme=True)
    outcomes.append(outcome_of(pending))
    unblock("other door")
    return [*outcomes[1:], outcome_of(pipeline.by_callback(("GET", "n")))]


def late_calls_in_the_queue_are_never_sent() -> list[Any]:
    pipeline = EventPipeline(URL)
    first = blocked(pipeline)
    late = [start(("SET", "late", "1"), seconds=SHORT) for start in (pipeline.by_greenlet,) * 2]
    late.append(pipeline.by_callback(("SET", "late", "1"), seconds=SHORT))
    outcomes = outcomes_of(late)
    unblock()
    outcome_of(first)
    return [*outcomes, outcome_of(pipeline.by_callback(("GET", "late")))]


def replies_that_are_here_count_after_the_deadline() -> list[Any]:
    """This process is busy with other work until after the deadline."""
    pipeline = EventPipeline(URL)
    outcome_of(pipeline.by_greenlet(("ECHO", "open the connection")))
    large = "x" * 1_000_000
    calls = [pipeline.by_callback(("ECHO", large), seconds=SHORT)]
    until(lambda: pipeline.pipeline._trip)
    limit = time.monotonic() + 4 * SHORT
    while time.monotonic() < limit:
        pass
    pipelines.end_late_calls()
    return [outcome_of(each) == large for each in calls]


def huge_commands_and_replies() -> list[Any]:
    pipeline = EventPipeline(URL)
    outcome = outcome_of(pipeline.by_callback(("ECHO", HUGE)))
    return [outcome == HUGE, outcome_of(pipeline.by_callback(("ECHO", "after")))]


def each_greenlet_has_its_own_turn() -> list[int]:
    """Return how many greenlets continued in each iteration of the event loop."""
    pipeline, iteration, seen = EventPipeline(URL), [0], []
    outcome_of(pipeline.by_greenlet(("ECHO", "open the connection")))
    count = loop.prepare()
    count.start(lambda: iteration.__setitem__(0, iteration[0] + 1))

    def call() -> None:
        pipeline.call(("ECHO", "word"))
        seen.append(iteration[0])

    gevent.joinall([gevent.spawn(call) for _ in range(20)])
    count.stop()
    return list(Counter(seen).values())


def large_calls_have_few_connections() -> list[Any]:
    name = "large-calls"
    node = Node(named_client(name), pipelines.new)

    def new_call(*command: str, size: ReplySize = ReplySize.LARGE) -> Call:
        return Call("get", (command,), time.monotonic() + SECONDS, size=size)

    waiting = [by_callbacks(node.send(new_call("BLPOP", "door", "0"))) for _ in range(20)]
    small = by_callbacks(node.send(new_call("ECHO", "small", size=ReplySize.SMALL)))
    outcomes = [outcome_of(small)]
    until(lambda: connections(name) == MAX_LARGE_CALLS + 1)
    for _ in range(20):
        unblock()
    outcomes += outcomes_of(waiting)
    return [*outcomes, connections(name) - MAX_LARGE_CALLS]


def former_primary() -> list[Any]:
    """Nothing refers to the node of a former primary, except its calls."""
    name = "former"
    node = Node(named_client(name), pipelines.new)

    call = Call("get", (("BLPOP", "door", "0"),), time.monotonic() + SECONDS)
    running = by_callbacks(node.send(call))
    until(lambda: connections(name))
    del node, call
    gc.collect()
    gc.disable()
    during = connections(name)
    unblock()
    outcome = outcome_of(running)
    del running
    until(lambda: connections(name) == 0)
    gc.enable()
    return [during, outcome]


if __name__ == "__main__":
    main(
        callbacks_and_greenlets_share_a_round_trip,
        round_trips_have_a_maximum_size,
        each_caller_gets_its_own_error,
        writes_wait_for_replicas,
        killed_greenlets,
        greenlet_killed_in_its_round_trip,
        killed_greenlets_at_random_times,
        lost_connection_repeats_only_pending_calls,
        late_calls_in_the_queue_are_never_sent,
        replies_that_are_here_count_after_the_deadline,
        huge_commands_and_replies,
        each_greenlet_has_its_own_turn,
        large_calls_have_few_connections,
        former_primary,
        replies_while_connections_are_killed,
    )
