"""Checks that a contestant does all the work. They run before anything is measured."""

from __future__ import annotations

import json
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any, NamedTuple

import redis

from bench.options import BenchFailed
from bench.server import Server
from bench.workload import DURATION, PATH, TTL, save_body, token

USER = "checked"
VIDEO = "10001"
OLDER_VIDEO = "10002"
MISSING_VIDEO = "10003"
WATCHED_VIDEO = "10004"
TOLERANCE = timedelta(seconds=60)
POINT = {
    "currentTime": 1349.5,
    "duration": DURATION,
    "percent": 24.99,
    "watched": False,
    "completed": False,
}
"""The expected point of VIDEO, without `updatedAt`."""
BAD_TOKENS = {
    "no token": None,
    "a token of another secret": token(USER, "another secret of thirty-two bytes"),
    "an expired token": token(USER, exp=1),
    "a token without exp": token(USER, exp=None),
    "a token without sub": token(USER, sub=None),
}
BAD_BODIES = {
    "a body without tmdbId": save_body(USER, VIDEO) | {"tmdbId": None},
    "a negative position": save_body(USER, VIDEO) | {"currentTime": -1},
    "a duration of 0": save_body(USER, VIDEO) | {"duration": 0},
    "a position that is no number": save_body(USER, VIDEO) | {"currentTime": "far"},
    "a body that is no object": [],
}


def check(server: Server, client: redis.Redis) -> None:
    """Raises BenchFailed with the first difference from the expected behaviour."""
    client.flushdb()
    checker = _Checker(server)
    _check_work(checker, client)
    _check_refusals(checker)


def _check_work(checker: _Checker, client: redis.Redis) -> None:
    own = token(USER)
    for video in (OLDER_VIDEO, VIDEO):
        checker.expect({204}, "a save", _save(own, save_body(USER, video)))
        time.sleep(0.002)  # lists sort by milliseconds
    updated_at = _check_stored(checker, client)
    point = checker.expect({200}, "a read", _Request("GET", f"{PATH}/{USER}/{VIDEO}", own))
    checker.same("the point read", point, POINT | {"updatedAt": updated_at})
    missing = _Request("GET", f"{PATH}/{USER}/{MISSING_VIDEO}", own)
    checker.expect({404}, "a read of a missing point", missing)
    listed = checker.expect({200}, "a list", _Request("GET", f"{PATH}/{USER}", own))
    checker.same("the videos listed", [p["tmdbId"] for p in listed], [VIDEO, OLDER_VIDEO])
    checker.same("the first listed", listed[0], {"tmdbId": VIDEO} | point)
    if checker.has_pages:
        _check_pages(checker, own)


def _check_pages(checker: _Checker, own: str) -> None:
    checker.expect({204}, "a save", _save(own, save_body(USER, WATCHED_VIDEO)))
    for query, video in (("limit=1", WATCHED_VIDEO), ("limit=1&status=in-progress", VIDEO)):
        page = checker.expect({200}, "a page", _Request("GET", f"{PATH}/{USER}?{query}", own))
        checker.same(f"the page with {query}", [p["tmdbId"] for p in page], [video])


def _check_stored(checker: _Checker, client: redis.Redis) -> str:
    """Check the stored hash, index and expiry. Returns the point's `updatedAt`."""
    stored: Any = client.hgetall(f"resume:{USER}:{VIDEO}")
    updated_at = str(stored.pop("updatedAt", None))
    numbers = {field: float(value) for field, value in stored.items()}
    checker.same("the hash", numbers, {field: float(value) for field, value in POINT.items()})
    age = datetime.now(UTC) - datetime.fromisoformat(updated_at)
    checker.require("updatedAt is now", holds=abs(age) < TOLERANCE)
    for key in (f"resume:{USER}:{VIDEO}", f"recent:{USER}"):
        left: Any = client.ttl(key)
        holds = TTL - TOLERANCE < timedelta(seconds=left) <= TTL
        checker.require(f"{key} expires in 30 days", holds=holds)
    indexed: Any = client.zrange(f"recent:{USER}", 0, -1)
    checker.same("the index", indexed, [OLDER_VIDEO, VIDEO])
    return updated_at


def _check_refusals(checker: _Checker) -> None:
    own, foreign, body = token(USER), token("another"), save_body(USER, VIDEO)
    for what, bad_token in BAD_TOKENS.items():
        checker.expect({401}, what, _save(bad_token, body))
        checker.expect({401}, what, _Request("GET", f"{PATH}/{USER}", bad_token))
    for what, bad_body in BAD_BODIES.items():
        checker.expect({400, 422}, what, _save(own, bad_body))
    checker.expect({403}, "another's save", _save(foreign, body))
    for path in (f"{PATH}/{USER}/{VIDEO}", f"{PATH}/{USER}"):
        checker.expect({403}, "another's points", _Request("GET", path, foreign))


class _Request(NamedTuple):
    method: str
    path: str
    bearer: str | None
    body: object = None


def _save(bearer: str | None, body: object) -> _Request:
    return _Request("POST", PATH, bearer, body)


class _Checker:
    """Sends requests to a server, one connection per request, and checks the responses."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.has_pages = server.contestant.is_ours

    def expect(self, statuses: set[int], what: str, request: _Request) -> Any:
        """The JSON of the response to `request`. Its status must be one of `statuses`."""
        headers = {"Authorization": f"Bearer {request.bearer}"} if request.bearer else {}
        text = None
        if request.method == "POST":
            headers["Content-Type"] = "application/json"
            text = json.dumps(request.body)
        with closing(HTTPConnection("127.0.0.1", self._server.port, timeout=5)) as connection:
            connection.request(request.method, request.path, text, headers)
            response = connection.getresponse()
            content = response.read()
        self.require(
            f"{statuses} for {what}, not {response.status} {content[:200]!r}",
            holds=response.status in statuses,
        )
        return json.loads(content) if response.status == HTTPStatus.OK else None

    def same(self, what: str, actual: object, expected: object) -> None:
        self.require(f"{what} is {expected!r}, not {actual!r}", holds=actual == expected)

    def require(self, what: str, *, holds: bool) -> None:
        if not holds:
            raise BenchFailed(f"{self._server.name} must do as the others: {what}")
