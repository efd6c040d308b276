"""The HTTP requests for every contestant, built before anything is measured.

They rotate over users first and then over videos. So no Redis key and no token is used much more
than others.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import redis

USERS = tuple(f"user_{number:03d}" for number in range(200))
VIDEOS = tuple(str(number) for number in range(10_001, 10_051))
"""The videos of each user, and so the points of a list."""
SAVED_VIDEOS = VIDEOS[:20]
DURATION = 5400
TTL = timedelta(days=30)
SECRET = secrets.token_hex(32)
PATH = "/api/progress"


def token(user_id: str, secret: str = SECRET, **claims: Any) -> str:
    """A token as an issuer signs it. A claim that is None is left out."""
    now = int(time.time())
    all_claims = {"sub": user_id, "iat": now, "exp": now + 24 * 60 * 60} | claims
    return jwt.encode({k: v for k, v in all_claims.items() if v is not None}, secret, "HS256")


def save_body(user_id: str, video_id: str) -> dict[str, Any]:
    """The body of a save, at the end of the first, second, third or last quarter of the video."""
    position = DURATION * (1 + VIDEOS.index(video_id) % 4) / 4 - 0.5
    return {
        "clerkId": user_id,
        "tmdbId": video_id,
        "currentTime": position,
        "duration": DURATION,
    }


def requests() -> dict[str, list[bytes]]:
    """The requests of each case: `save`, `point`, `list`."""
    bearer = {user: token(user) for user in USERS}
    return {
        "save": [
            post(json.dumps(save_body(user, video)).encode(), bearer[user])
            for video in SAVED_VIDEOS
            for user in USERS
        ],
        "point": [
            _get(f"{PATH}/{user}/{video}", bearer[user]) for video in SAVED_VIDEOS for user in USERS
        ],
        "list": [_get(f"{PATH}/{user}", bearer[user]) for user in USERS],
    }


def seed(client: redis.Redis) -> None:
    """Empty Redis and write the points of all users, in the format of the service."""
    client.flushdb()
    start = datetime.now(UTC) - timedelta(hours=1)
    for user in USERS:
        pipeline = client.pipeline(transaction=False)
        for video, point, moment in _points_of(user, start):
            key = f"resume:{user}:{video}"
            pipeline.hset(key, mapping=point)
            pipeline.expire(key, TTL)
            pipeline.zadd(f"recent:{user}", {video: int(moment.timestamp() * 1000)})
        pipeline.expire(f"recent:{user}", TTL)
        pipeline.execute()


def _points_of(user: str, start: datetime) -> Iterator[tuple[str, dict[Any, Any], datetime]]:
    for number, video in enumerate(VIDEOS):
        moment = start + timedelta(seconds=number)
        body = save_body(user, video)
        point: dict[Any, Any] = {
            "currentTime": body["currentTime"],
            "updatedAt": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "duration": DURATION,
            "percent": f"{100 * body['currentTime'] / DURATION:.2f}",
            "watched": int(body["currentTime"] >= 0.9 * DURATION),
            "completed": 0,
        }
        yield video, point, moment


def _get(path: str, bearer: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\n{_headers(bearer)}\r\n".encode()


def post(body: bytes, bearer: str, path: str = PATH) -> bytes:
    """The HTTP request that saves `body`."""
    head = (
        f"POST {path} HTTP/1.1\r\n{_headers(bearer)}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _headers(bearer: str) -> str:
    return f"Host: 127.0.0.1\r\nAuthorization: Bearer {bearer}\r\n"
