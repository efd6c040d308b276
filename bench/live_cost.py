"""The cost of a save without a stream: the script with and without the check for open streams.

The same saves run alternately with both scripts, on the same Redis. The cost is the CPU time of Redis.
"""

from __future__ import annotations

import statistics
import time

import redis

from dev.redis_server import RedisServer
from resume_service.resume.event_arguments import EventArguments
from resume_service.resume.keys import Keys
from resume_service.resume.model import Measurement, PointSettings
from resume_service.resume.scripts import MERGE_POINT
from resume_service.settings import Settings

CHECK = "KEYS[4] and call('EXISTS', KEYS[4]) == 1"
SAVES = 10_000
USERS = 1000
ROUNDS = 40
BATCH = 200


def measure(server: RedisServer) -> float:
    """Print the CPU time of Redis for a save, in microseconds. Return the ratio of both."""
    if CHECK not in MERGE_POINT.text:
        raise LookupError(CHECK)
    scripts = {
        "without": server.client.script_load(MERGE_POINT.text.replace(CHECK, "false")),
        "with": server.client.script_load(MERGE_POINT.text),
    }
    costs: dict[str, list[float]] = {name: [] for name in scripts}
    for sha in scripts.values():
        _cost(server.client, str(sha))  # warm up
    for number in range(ROUNDS):
        for name in sorted(scripts, reverse=number % 2 == 1):
            costs[name].append(_cost(server.client, str(scripts[name])))
    ratio = statistics.median(
        new / old for new, old in zip(costs["with"], costs["without"], strict=True)
    )
    for name, figures in costs.items():
        print(f"a save {name} the check: {statistics.median(figures):.2f} us of Redis")  # noqa: T201
    print(f"ratio {ratio:.3f}")  # noqa: T201
    return ratio


def _cost(client: redis.Redis, sha: str) -> float:
    """CPU microseconds of a save."""
    settings = PointSettings.from_settings(Settings(jwt_secret="-" * 32))
    arguments, keys_of = EventArguments(settings), Keys()
    before = _cpu_seconds(client)
    for start in range(0, SAVES, BATCH):
        with client.pipeline(transaction=False) as pipe:
            for number in range(start, start + BATCH):
                user, now = f"user-{number % USERS}", int(time.time() * 1000)
                keys = keys_of.of_point(user, "film")
                # The viewers play on. A jump back by a minute would be more than a plain save.
                position = number // USERS * 2
                event = Measurement(user, "film", now, position, 5400)
                args = arguments.of_measurement(event, keys, None, wants_point=False)
                pipe.evalsha(sha, 4, keys.point, keys.recent, keys.deleted, keys.live, *args)
            pipe.execute()
    return (_cpu_seconds(client) - before) / SAVES * 1e6


def _cpu_seconds(client: redis.Redis) -> float:
    info = client.info("cpu")
    return float(info["used_cpu_user"] + info["used_cpu_sys"])
