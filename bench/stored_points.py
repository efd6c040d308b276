"""Writes the points that the contestants read, in the format of the service."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import redis

from bench.workload import DURATION, LONG_USERS, LONG_VIDEOS, TTL, USERS, VIDEOS, save_body

WATCHED_SHARE = 0.9


def seed(client: redis.Redis) -> None:
    """Empty Redis, then write the points of all users."""
    client.flushdb()
    start = datetime.now(UTC) - timedelta(hours=1)
    for user in USERS:
        _write(client, user, VIDEOS, start)
    for user in LONG_USERS:
        _write(client, user, LONG_VIDEOS, start)


def _write(client: redis.Redis, user: str, videos: tuple[str, ...], start: datetime) -> None:
    pipeline = client.pipeline(transaction=False)
    for video, point, moment in _points_of(user, videos, start):
        key = f"resume:{user}:{video}"
        pipeline.hset(key, mapping=point)
        pipeline.expire(key, TTL)
        pipeline.zadd(f"recent:{user}", {video: int(moment.timestamp() * 1000)})
    pipeline.expire(f"recent:{user}", TTL)
    pipeline.execute()


def _points_of(
    user: str, videos: tuple[str, ...], start: datetime
) -> Iterator[tuple[str, dict[Any, Any], datetime]]:
    for number, video in enumerate(videos):
        moment = start + timedelta(seconds=number)
        position = save_body(user, video)["currentTime"]
        point: dict[Any, Any] = {
            "currentTime": position,
            "updatedAt": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "duration": DURATION,
            "percent": f"{100 * position / DURATION:.2f}",
            "watched": int(position >= WATCHED_SHARE * DURATION),
            "completed": 0,
        }
        yield video, point, moment
