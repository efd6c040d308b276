"""Kills greenlets that call a BlockingPipeline: `python greenlet_callers.py URL ROUNDS`.

A separate program, because gevent patches the whole process. Prints the outcomes as JSON.
"""

# ruff: noqa: E402 - nothing may be imported before the patch
from gevent import monkey

monkey.patch_all()

import json
import random
import sys

import gevent

from resume_service.errors import Unavailable
from resume_service.redis.client import new_client
from resume_service.telemetry import logs
from tests.support.timed_pipeline import TimedPipeline

TIMEOUT_SECONDS = 10
URL, ROUNDS = sys.argv[1], int(sys.argv[2])


def new_pipeline() -> TimedPipeline:
    return TimedPipeline(new_client(URL, TIMEOUT_SECONDS))


def echo(pipeline: TimedPipeline, word: str) -> str:
    [answer] = pipeline.call("get", ("ECHO", word))
    return "own" if answer == word else f"foreign: {answer} for {word}"


def outcomes_of(greenlets) -> list[str]:
    """The result of each greenlet; "stuck" if it never ended."""
    gevent.joinall(greenlets, timeout=TIMEOUT_SECONDS)
    outcomes = []
    for each in greenlets:
        if not each.ready():
            outcomes.append("stuck")
        elif isinstance(each.value, gevent.GreenletExit):
            outcomes.append("killed")
        else:
            outcomes.append(str(each.value if each.successful() else type(each.exception).__name__))
    gevent.killall([each for each in greenlets if not each.ready()])
    return outcomes


def start_callers(pipeline: TimedPipeline, count: int):
    """A leader in a round trip that blocks until `unblock`, and `count` callers that wait."""
    leader = gevent.spawn(lambda: pipeline.call("get", ("BLPOP", "door", 0))[0][1])
    while not pipeline._in_flight:
        gevent.sleep(0.001)
    waiting = [gevent.spawn(echo, pipeline, f"word {number}") for number in range(count)]
    while len(pipeline._waiting) < count:
        gevent.sleep(0.001)
    return leader, waiting


def unblock() -> None:
    new_client(URL, TIMEOUT_SECONDS).rpush("door", "done")


def first_waiting_caller_killed() -> list[str]:
    pipeline = new_pipeline()
    leader, waiting = start_callers(pipeline, 5)
    waiting[0].kill()
    unblock()
    return outcomes_of([leader, *waiting, gevent.spawn(echo, pipeline, "after")])


def all_waiting_callers_killed() -> list[str]:
    pipeline = new_pipeline()
    leader, waiting = start_callers(pipeline, 5)
    gevent.killall(waiting)
    unblock()
    return outcomes_of([leader, *waiting, gevent.spawn(echo, pipeline, "after")])


def killed_callers_leave_nothing_behind() -> list[str]:
    pipeline = new_pipeline()
    leader, waiting = start_callers(pipeline, 5)
    gevent.killall(waiting)
    unblock()
    outcomes_of([leader])
    return [str(each) for each in (pipeline._waiting, pipeline._wake_ups, pipeline._next_leader)]


def leader_killed() -> list[str]:
    pipeline = new_pipeline()
    leader, waiting = start_callers(pipeline, 5)
    leader.kill()
    return outcomes_of([leader, *waiting, gevent.spawn(echo, pipeline, "after")])


def random_callers_killed() -> list[str]:
    pipeline, chance, outcomes = new_pipeline(), random.Random(603), []
    for turn in range(ROUNDS):
        callers = [gevent.spawn(echo, pipeline, f"{turn} {number}") for number in range(20)]
        gevent.sleep(chance.random() * 0.002)
        gevent.killall(chance.sample(callers, 5), block=False)
        outcomes += outcomes_of(callers)
        if "stuck" in outcomes:
            break
    return outcomes + outcomes_of([gevent.spawn(echo, pipeline, "after")])


def without_redis() -> list[str]:
    pipeline = TimedPipeline(new_client("redis://127.0.0.1:1/0", 1))

    def ping() -> str:
        try:
            return str(pipeline.call("get", ("PING",))[0])
        except Unavailable:
            return "unavailable"

    return outcomes_of([gevent.spawn(ping) for _ in range(20)])


JOBS = (
    first_waiting_caller_killed,
    all_waiting_callers_killed,
    killed_callers_leave_nothing_behind,
    leader_killed,
    random_callers_killed,
    without_redis,
)
logs.configure("critical")
sys.stdout.write(json.dumps({job.__name__: job() for job in JOBS}))
