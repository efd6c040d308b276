"""The HTTP requests for every contestant, built before anything is measured.

They rotate over users first and then over videos. So no Redis key and no token is used much more
than others.
"""

from __future__ import annotations

import json
import secrets
import time
from datetime import timedelta
from typing import Any

import jwt

USERS = tuple(f"user_{number:03d}" for number in range(200))
VIDEOS = tuple(str(number) for number in range(10_001, 10_051))
"""The videos of each user, and so the points of a list."""
SAVED_VIDEOS = VIDEOS[:20]
MISSING_VIDEOS = tuple(str(number) for number in range(20_001, 20_021))
"""Videos without a point."""
LONG_USERS = tuple(f"long_{number:02d}" for number in range(20))
LONG_VIDEOS = tuple(str(number) for number in range(10_001, 11_001))
"""The videos of each of LONG_USERS."""
DURATION = 5400
TTL = timedelta(days=30)
SECRET = secrets.token_hex(32)
WRONG_SECRET = secrets.token_hex(32)
PATH = "/api/progress"
BURN_PATH = "/bench/burn"
"""A route of `burning_app.py`."""
NGINX_SAVES = 20_000
"""Requests with ids of their own. A cache of header lines would need to hold all of them."""


def token(user_id: str, secret: str = SECRET, **claims: Any) -> str:
    """A token as an issuer signs it. A claim that is None is left out."""
    now = int(time.time())
    all_claims = {"sub": user_id, "iat": now, "exp": now + 24 * 60 * 60} | claims
    return jwt.encode({k: v for k, v in all_claims.items() if v is not None}, secret, "HS256")


def save_body(user_id: str, video_id: str) -> dict[str, Any]:
    """The body of a save, at the end of the first, second, third or last quarter of the video."""
    position = DURATION * (1 + (int(video_id) - int(VIDEOS[0])) % 4) / 4 - 0.5
    return {
        "clerkId": user_id,
        "tmdbId": video_id,
        "currentTime": position,
        "duration": DURATION,
    }


def saves() -> list[bytes]:
    bearer = {user: token(user) for user in USERS}
    return [
        post(json.dumps(save_body(user, video)).encode(), bearer[user])
        for video in SAVED_VIDEOS
        for user in USERS
    ]


def saves_through_nginx() -> list[bytes]:
    """Saves with the headers of `deploy/nginx.conf`. Each request has its own id."""
    bearer = {user: token(user) for user in USERS}
    requests = []
    for number in range(NGINX_SAVES):
        user = USERS[number % len(USERS)]
        video = SAVED_VIDEOS[number // len(USERS) % len(SAVED_VIDEOS)]
        headers = (
            f"X-Forwarded-For: 192.0.2.{number % len(USERS) + 1}\r\n"
            "X-Forwarded-Proto: http\r\n"
            f"X-Request-Id: {secrets.token_hex(16)}\r\n"
        )
        body = json.dumps(save_body(user, video)).encode()
        requests.append(post(body, bearer[user], headers=headers))
    return requests


def reads() -> list[bytes]:
    return _reads(SAVED_VIDEOS)


def missing_reads() -> list[bytes]:
    return _reads(MISSING_VIDEOS)


def refused_reads() -> list[bytes]:
    """Reads with a wrong signature: one token per user."""
    return _reads(SAVED_VIDEOS, WRONG_SECRET)


def lists() -> list[bytes]:
    return _lists(USERS)


def pages_in_progress() -> list[bytes]:
    return _lists(USERS, "?status=in-progress&limit=20")


def pages_of_short_lists() -> list[bytes]:
    """Pages of as many users as LONG_USERS, so that both cases use Redis' caches alike."""
    return _lists(USERS[: len(LONG_USERS)], "?limit=50")


def pages_of_long_lists() -> list[bytes]:
    return _lists(LONG_USERS, "?limit=50")


def post(body: bytes, bearer: str, path: str = PATH, headers: str = "") -> bytes:
    """The HTTP request that saves `body`. `headers` are further lines that end in CRLF."""
    head = (
        f"POST {path} HTTP/1.1\r\n{_headers(bearer)}{headers}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def get(path: str, bearer: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\n{_headers(bearer)}\r\n".encode()


def _reads(videos: tuple[str, ...], secret: str = SECRET) -> list[bytes]:
    bearer = {user: token(user, secret) for user in USERS}
    return [get(f"{PATH}/{user}/{video}", bearer[user]) for video in videos for user in USERS]


def _lists(users: tuple[str, ...], query: str = "") -> list[bytes]:
    return [get(f"{PATH}/{user}{query}", token(user)) for user in users]


def _headers(bearer: str) -> str:
    return f"Host: 127.0.0.1\r\nAuthorization: Bearer {bearer}\r\n"
