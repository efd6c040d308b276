"""Resume points as a plain WSGI application without a framework, with PyJWT and redis-py.

fastpysgi calls it from its event loop in C. So it serves one request at a time and blocks for each
round trip to Redis.
"""

from __future__ import annotations

import json
import os
import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import jwt
import redis

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

SECRET = os.environ["JWT_SECRET"]
TTL_SECONDS = 30 * 24 * 60 * 60
WATCHED_PERCENT = 90
COMPLETED_PERCENT = 100
GREATEST = 1e8
MAX_TOKENS = 10_000
POINT_FIELDS = ("currentTime", "updatedAt", "duration", "percent", "watched", "completed")
PATH = "/api/progress"
AN_ID = re.compile(r"[\w-]{1,128}\Z")
JSON = [("Content-Type", "application/json")]

Response = tuple[str, Any]
"""The status line, and the object of the JSON body. None: no body."""
UNAUTHORIZED: Response = ("401 Unauthorized", {"error": "Unauthorized"})
FORBIDDEN: Response = ("403 Forbidden", {"error": "Forbidden"})
INVALID: Response = ("400 Bad Request", {"error": "Validation failed"})
NO_POINT: Response = ("404 Not Found", {"error": "Progress not found"})
NO_ROUTE: Response = ("404 Not Found", {"error": "Not Found"})

store = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
verified: dict[str, tuple[str, float]] = {}
"""Verified tokens: the user and `exp` of each."""


def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    status, content = _respond(environ)
    if content is None:
        start_response(status, [])
        return []
    start_response(status, JSON)
    return [json.dumps(content).encode()]


def _respond(environ: WSGIEnvironment) -> Response:
    user = _caller(environ.get("HTTP_AUTHORIZATION", ""))
    if user is None:
        return UNAUTHORIZED
    path = environ["PATH_INFO"]
    if path == PATH and environ["REQUEST_METHOD"] == "POST":
        return _save(user, environ["wsgi.input"].read())
    owner, _, video = path.removeprefix(f"{PATH}/").partition("/")
    if environ["REQUEST_METHOD"] != "GET" or owner == path:
        return NO_ROUTE
    if owner != user:
        return FORBIDDEN
    return _read(user, video) if video else _list(user)


def _caller(authorization: str) -> str | None:
    """The user of the token, or None."""
    scheme, _, token = authorization.partition(" ")
    user, exp = verified.get(token, (None, 0.0))
    if exp <= time.time():
        try:
            claims = jwt.decode(token, SECRET, ["HS256"], {"require": ["exp", "sub"]})
        except jwt.PyJWTError:
            return None
        user = claims["sub"]
        if len(verified) >= MAX_TOKENS:
            verified.clear()
        verified[token] = (claims["sub"], claims["exp"])
    return user if scheme.lower() == "bearer" else None


def _save(user: str, raw: bytes) -> Response:
    try:
        body = json.loads(raw)
        owner, video = body["clerkId"], body["tmdbId"]
        position, duration = body["currentTime"], body["duration"]
        valid = AN_ID.match(owner) and AN_ID.match(video)
        valid = valid and 0 <= position <= GREATEST and 0 < duration <= GREATEST
    except (ValueError, KeyError, TypeError):
        return INVALID
    if not valid:
        return INVALID
    if owner != user:
        return FORBIDDEN
    percent = round(min(100, 100 * position / duration), 2)
    now = datetime.now(UTC)
    point: dict[Any, Any] = {
        "currentTime": position,
        "updatedAt": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "duration": duration,
        "percent": percent,
        "watched": int(percent >= WATCHED_PERCENT),
        "completed": int(percent == COMPLETED_PERCENT),
    }
    key, index = f"resume:{user}:{video}", f"recent:{user}"
    pipeline = store.pipeline(transaction=False)
    pipeline.hset(key, mapping=point)
    pipeline.expire(key, TTL_SECONDS)
    pipeline.zadd(index, {video: int(now.timestamp() * 1000)})
    pipeline.expire(index, TTL_SECONDS)
    pipeline.execute()
    return "204 No Content", None


def _read(user: str, video: str) -> Response:
    values = store.hmget(f"resume:{user}:{video}", POINT_FIELDS)
    return NO_POINT if values[0] is None else ("200 OK", _point_json(values))


def _list(user: str) -> Response:
    videos: Any = store.zrevrange(f"recent:{user}", 0, -1)
    pipeline = store.pipeline(transaction=False)
    for video in videos:
        pipeline.hmget(f"resume:{user}:{video}", POINT_FIELDS)
    found = zip(videos, pipeline.execute(), strict=True)
    return "200 OK", [
        {"tmdbId": video} | _point_json(values) for video, values in found if values[0]
    ]


def _point_json(values: list[Any]) -> dict[str, Any]:
    position, updated_at, duration, percent, watched, completed = values
    return {
        "currentTime": float(position),
        "updatedAt": updated_at,
        "duration": float(duration),
        "percent": float(percent),
        "watched": watched == "1",
        "completed": completed == "1",
    }
