"""Callers of RoundTrips as greenlets, some of which are killed: `python greenlet_callers.py URL ROUNDS`.

A program of its own, for gevent patches the whole process. Prints what became of the callers.
"""

# ruff: noqa: E402 - nothing may be imported before the patch
from gevent import monkey

monkey.patch_all()

import json
import random
import sys

import gevent

from resume_service.errors import Unavailable
from resume_service.redis.auto_pipeline import AutoPipeline
from resume_service.redis.client import new_client
from resume_service.telemetry import logs

PATIENCE_SECONDS = 10
URL, ROUNDS = sys.argv[1], int(sys.argv[2])


def new_pipeline() -> AutoPipeline:
    return AutoPipeline(new_client(URL, PATIENCE_SECONDS))


def echo(pipeline: AutoPipeline, word: str) -> str:
    [answer] = pipeline.call("get", ("ECHO", word))
    return "own" if answer == word else f"another's: {answer} for {word}"


def settled(greenlets) -> list[str]:
    """What each returned; "stuck" for one that never did."""
    gevent.joinall(greenlets, timeout=PATIENCE_SECONDS)
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


def queue_behind(pipeline: AutoPipeline, count: int):
    """A caller on its way until the door opens, and `count` that wait for it."""
    leader = gevent.spawn(lambda: pipeline.call("get", ("BLPOP", "door", 0))[0][1])
    while not pipeline._in_flight:
        gevent.sleep(0.001)
    waiting = [gevent.spawn(echo, pipeline, f"word {number}") for number in range(count)]
    while len(pipeline._waiting) < count:
        gevent.sleep(0.001)
    return leader, waiting


def open_the_door() -> None:
    new_client(URL, PATIENCE_SECONDS).rpush("door", "done")


def the_first_that_waits() -> list[str]:
    pipeline = new_pipeline()
    leader, waiting = queue_behind(pipeline, 5)
    waiting[0].kill()
    open_the_door()
    return settled([leader, *waiting, gevent.spawn(echo, pipeline, "after")])


def all_that_wait() -> list[str]:
    pipeline = new_pipeline()
    leader, waiting = queue_behind(pipeline, 5)
    gevent.killall(waiting)
    open_the_door()
    return settled([leader, *waiting, gevent.spawn(echo, pipeline, "after")])


def the_leader() -> list[str]:
    pipeline = new_pipeline()
    leader, waiting = queue_behind(pipeline, 5)
    leader.kill()
    return settled([leader, *waiting, gevent.spawn(echo, pipeline, "after")])


def at_random() -> list[str]:
    pipeline, chance, outcomes = new_pipeline(), random.Random(603), []
    for turn in range(ROUNDS):
        callers = [gevent.spawn(echo, pipeline, f"{turn} {number}") for number in range(20)]
        gevent.sleep(chance.random() * 0.002)
        gevent.killall(chance.sample(callers, 5), block=False)
        outcomes += settled(callers)
        if "stuck" in outcomes:
            break
    return outcomes + settled([gevent.spawn(echo, pipeline, "after")])


def gone_for_good() -> list[str]:
    pipeline = AutoPipeline(new_client("redis://127.0.0.1:1/0", 1))

    def refused() -> str:
        try:
            return str(pipeline.call("get", ("PING",))[0])
        except Unavailable:
            return "unavailable"

    return settled([gevent.spawn(refused) for _ in range(20)])


logs.configure("critical")
sys.stdout.write(
    json.dumps(
        {
            job.__name__: job()
            for job in (the_first_that_waits, all_that_wait, the_leader, at_random, gone_for_good)
        }
    )
)
