"""A thousand valid and invalid requests as bytes. Each run generates the same ones."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tests.support.tokens import bearer

SEED = 603
COUNT = 1000
ORIGIN = "https://app.example.com"
LIMIT = 64 * 1024
USERS = ("ann", "bob", "cid")
VIDEOS = ("v1", "v2", "v3", "v4", "603", "a:b", "x_y~z.w")
KINDS = (
    *("application/json",) * 6,
    "application/json; charset=utf-8",
    "application/json;charset=UTF-8",
    "Application/JSON",
    "application/json ; x=y",
    "text/plain;charset=UTF-8",
    "text/plain",
)
EXTRAS: tuple[tuple[tuple[str, str], ...], ...] = (
    *((),) * 4,
    (("X-Request-Id", "good-1._9"),),
    (("X-Request-Id", "not good"),),
    (("X-Request-Id", "x" * 65),),
    (("X-Request-Id", ""),),
    (("Idempotency-Key", "key 1"),),
    (("Idempotency-Key", ""),),
    (("idempotency-key", "\xe9"), ("x-request-id", "lower")),
    (("Origin", ORIGIN),),
    (("Origin", ORIGIN.upper()),),
    (("Origin", "https://evil.example"), ("Idempotency-Key", "k")),
    (("Origin", ""),),
    (("Origin", ORIGIN), ("Idempotency-Key", "k"), ("X-Request-Id", "a")),
    (("User-Agent", "player/1"), ("Accept", "*/*"), ("Cookie", "a=b"), ("Accept-Encoding", "gzip")),
    (("X-Forwarded-For", "10.0.0.1"), ("X-Forwarded-Proto", "https")),
    (("Connection", "keep-alive"),),
    (("Connection", "Keep-Alive"), ("Content-Encoding", "identity")),
)
"""Headers that keep a valid request valid."""

BAD_BODIES = (
    b"",
    b" ",
    b"{",
    b"[]",
    b"null",
    b'"x"',
    b"\xff",
    b"\xef\xbb\xbf{}",
    b"[" * 5000,
    b'{"clerkId": "ann"}',
    b'{"clerkId": "ann", "tmdbId": "v", "currentTime": NaN}',
    b'{"clerkId": "ann", "tmdbId": "v", "currentTime": ' + b"9" * 5000 + b"}",
    b'{"clerkId": "ann", "tmdbId": "v", "currentTime": 1e999}',
    b'{"clerkId": "\\ud800", "tmdbId": "v", "currentTime": 1}',
    b'{"clerkId": "ann", "tmdbId": "v", "currentTime": 1, "more": '
    + b"[" * 300
    + b"]" * 300
    + b"}",
    b'{"clerkId": "ann", "tmdbId": "v", "currentTime": 1, "more": [' + b"[]," * 600 + b"1]}",
    b'{"clerkId": "ann", "tmdbId": "v", "currentTime": 1, "more": "\xff"}',
    b'{"clerkId": "ann", "tmdbId": "v", "currentTime": "x", "currentTime": 1}',
)
"""Invalid and unusual bodies. A few of them are valid."""
BAD_FIELDS: tuple[dict[str, Any], ...] = (
    {"currentTime": -1},
    {"currentTime": "5"},
    {"currentTime": True},
    {"currentTime": None},
    {"currentTime": 1e8 + 1},
    {"currentTime": 1e20},
    {"currentTime": []},
    {"duration": 0},
    {"duration": -0.0},
    {"duration": None},
    {"duration": "90"},
    {"duration": 1e9},
    {"ageMs": -1},
    {"ageMs": 1.5},
    {"ageMs": None},
    {"ageMs": True},
    {"ageMs": 1e9},
    {"ageMs": 30 * 86_400_000},
    {"ageMs": 30 * 86_400_000 + 1},
    {"ageMs": 1e300},
    {"device": ""},
    {"device": "x" * 65},
    {"device": "a\nb"},
    {"device": None},
    {"tmdbId": ""},
    {"tmdbId": "a/b"},
    {"tmdbId": "a b"},
    {"tmdbId": 603},
    {"tmdbId": None},
    {"tmdbId": "x" * 129},
    {"clerkId": ""},
    {"clerkId": {}},
    {"clerkId": "lessons"},
    {"clerkId": "events", "currentTime": -1},
    {"userId": "ann"},
    {"videoId": "v1"},
)
QUERIES = (
    *("", "", "?", "?limit=1", "?limit=2", "?status=watched", "?status=in-progress&limit=2"),
    *("?limit=0", "?limit=101", "?limit=x", "?limit=", "?limit", "?limit=01", "?limit=+1"),
    *("?limit=1&limit=2", "?limit=1&", "?&limit=1", "?limit=1=", "?LIMIT=1", "?%6cimit=1"),
    *("?status", "?status=", "?status=seen", "?limit=1&status", "?limit=1&x", "?limit=1&x=1"),
    *("?x", "?x=", "?=", "?=1", "?limit=1;status=watched", "?limit=%31", "?a&b&limit=1"),
    *("?cursor=", "?cursor", "?cursor=x", "?cursor=1795176000000-v1", "?limit=1&cursor=1-v1"),
)
"""Queries of lists. The first seven are valid."""
PATHS = (
    *("/", "/api", "/api/", "/api/progress/", "/api/progress//", "/api/progress/ann/"),
    *("/api/progress/ann/v1/", "//api/progress/ann", "/api//progress/ann/v1", "/API/progress/ann"),
    *("/api/progress/batch", "/api/progress/ann/v1/watched", "/api/progress/ann/v1/dismissed/"),
    *("/api/progress/ann/v1/x", "/api/progress//v1", "/api/progress/../ann", "/nowhere"),
    *("/api/progress/ann/a%3Ab", "/api/progress/ann/a%2Fb", "/api/progress/ann/%76%31"),
    *("/api/progress/ann/%F0%9F%8E%AC", "/api/progress/ann/%ff", "/api/progress/ann/%"),
    *("/api/progress/ann/%zz", "/api/progress/ann/a%20b", "/api/progress/ann/v%00"),
    *("/api/progress/lessons", "/api/progress/summary/v1", "/api/progress/ann/lessons"),
    *("/api/progress/ann;x=1/v1", "/api/progress/ann/v1;y", "/api/progress/ann|bob/v1"),
    *("/api/progress/<clerkId>/<tmdbId>", "/api/progress/ann/v1?", "/api/progress/ann/v1?x=1"),
    *("/api/progress/ann#x", "/api/progress/ann/v1#x", "http://other/api/progress/ann/v1"),
    *("http://other/api/progress", "http:///api/progress/ann", "/api/progress/" + "u" * 128),
    *("/api/progress/" + "u" * 129, "/api/progress/ann/" + "v" * 129, "/api/progress?x=1"),
    *("/api/progress/ann/\xe9", "/api/progress/ann?\xe9", "/api/progress/ann/v1?\xe9=1"),
    *("/healthz", "/readyz", "/openapi.json", "/docs", "/healthz/"),
)
AGE_QUERIES = (
    *("", "", "", "", "?ageMs=0", "?ageMs=5000", "?ageMs=2592000000", "?x=1", "?ageMs=007"),
    *("?ageMs=2592000001", "?ageMs=-1", "?ageMs=", "?ageMs", "?ageMs=x", "?ageMs=1.5", "?"),
    *("?ageMs=9999999999999999999", "?ageMs=1&ageMs=2", "?ageMs=1&x", "?ageMs=%35", "?AGEMS=x"),
)
"""Queries of deletions. The first seven are valid, and in ordinary form."""
MARK_BODIES = (
    *(b"", b"", b"", b"{}", b'{"ageMs": 1}', b'{"ageMs": 5.0, "x": []}', b'{"ageMs": 2592000000}'),
    *(b'{"ageMs": 2592000001}', b'{"ageMs": -1}', b'{"ageMs": null}', b'{"ageMs": "5"}', b"x"),
    *(b"[]", b"null", b'{"ageMs": 1e999}', b'{"ageMs": NaN}', b'{"x": "\xff"}', b" ", b"{"),
)
EVENT_TYPES = (
    "delete",
    "watched",
    "unwatched",
    "dismissed",
    "undismissed",
    "rate",
    "",
    1,
    ["save"],
)
EVENT_IDS = ("1", "", "x" * 64, "x" * 65, 5, None, "\xe9", "\ud800", "a\nb")
BAD_BATCHES = (
    *(
        b"{}",
        b"[]",
        b'{"events": []}',
        b'{"events": null}',
        b'{"events": {}}',
        b'{"events": [NaN]}',
    ),
    *(b'{"events": [1, {}, []]}', b'{"events": [' + b"0," * 100 + b"0]}", b'{"events": [{]}'),
    *(b'{"events": [[' + b"[" * 600 + b"]" * 600 + b"]]}", b'{"events": ["\xff"]}', b""),
    b'{"events": [1], "events": [{"clerkId": "ann", "tmdbId": "v1", "currentTime": 1}]}',
)
METHODS = ("HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "BREW", "GET", "POST")
ODD_HEADERS: tuple[tuple[tuple[str, str], ...], ...] = (
    (("Expect", "100-continue"),),
    (("Expect", "tea"),),
    (("Connection", "close"),),
    (("Connection", "keep-alive, x"),),
    (("Connection", "Upgrade"), ("Upgrade", "h2c")),
    (("If-None-Match", "*"),),
    (("If-None-Match", '"x"'),),
    (("X-Request-Id", "one"), ("X-Request-Id", "two")),
    (("Idempotency-Key", "one"), ("Idempotency-Key", "two")),
    (("Authorization", "Bearer x"),),
    (("Content-Type", "text/html"),),
    (("Content-Length", "7"),),
    (("Host", "other"),),
    (("Origin", ORIGIN), ("Origin", ORIGIN)),
    (("X_Request_Id", "underscore"),),
    (("X-Padding", "a\r\n folded"),),
    (("X-Padding", "a\nX-Other: b"),),
    (("X-Padding", "a\rb"),),
    (("X-Padding", "a\0b"),),
    (("X-Padding", "x" * 17_000),),
    (("X-Padding ", "space"),),
    (("X\xe9", "latin"),),
    (("Script-Name", "/api"),),
    (("X-Forwarded-Proto", "http"), ("X-Forwarded-Ssl", "on")),
    (("Transfer-Encoding", "chunked"),),
    (("Transfer-Encoding", "identity"),),
    (("Transfer-Encoding", "tea"),),
    (("Proxy", "x"),),
    tuple((f"X-{number}", "v") for number in range(120)),
)
HOSTS = ("a..b", "h" * 70, "[::1]:80", "x:y", "", "a b")
KINDS_REFUSED = ("", "text/html", "application/jsonx", "application/x-www-form-urlencoded", ";")
LENGTHS = ("-1", "+5", "0x5", "5, 5", "5_0", "", "abc", "1" * 30, "9" * 5000, "70000")
OWN_PATHS = (
    "/videos/{}/progress",
    "/api/v1/playback/movie/{}",
    "/api/v1/playback/episode/{}",
)
"""Paths of the APIs that serve the caller's own point, by video id."""
OWN_IDS = ("1", "603", "9223372036854775807")
OWN_BAD_IDS = ("0", "01", "-1", "x", "1.0", "1e3", "9223372036854775808", "9" * 40, "%31", "1%2F2")
OWN_BAD_IDS += ("\xb9", "1;x", "", "1/")
OWN_BODIES: dict[str, tuple[dict[str, Any], ...]] = {
    "rate": tuple({"progress_rate": rate} for rate in (0, 1, 50.0, 89, 90, 100, -0.0)),
    "position": (
        {"position_seconds": 1250, "duration_seconds": 5400},
        {"position_seconds": 0.0, "duration_seconds": 1, "more": None},
        {"position_seconds": 99_999_999, "duration_seconds": 100_000_000},
        {"position_seconds": 95, "duration_seconds": 100},
    ),
}
OWN_BAD_BODIES: tuple[dict[str, Any], ...] = (
    {},
    *({"progress_rate": rate} for rate in (101, -1, 85.5, "85", None, True, 1e20, [], {})),
    *({"position_seconds": p, "duration_seconds": 9} for p in (-1, 1250.4, "5", None, 1e9, True)),
    *({"position_seconds": 5, "duration_seconds": d} for d in (0, -1, 0.5, "9", None, 1e9, False)),
    {"position_seconds": 5},
    {"duration_seconds": 5},
    {"progress_rate": 101, "position_seconds": -1},
)
KNOWN_POINT = (
    b'{"currentTime":60,"updatedAt":"2026-11-20T12:00:00.000Z","duration":100,"percent":60,'
    b'"watched":false,"completed":false}\n'
)
"""The point that `known_save` saves at noon."""
KNOWN_ETAG = hashlib.sha1(KNOWN_POINT).hexdigest()
IF_NONE_MATCH = (
    *(
        f'"{KNOWN_ETAG}"',
        f'W/"{KNOWN_ETAG}"',
        f'"x", "{KNOWN_ETAG}"',
        f'W/"x",W/"{KNOWN_ETAG}", "y"',
    ),
    *("*", " * ", f'*, "{KNOWN_ETAG}"', KNOWN_ETAG, f'"{KNOWN_ETAG}', f"'{KNOWN_ETAG}'"),
    *('"x"', "x", "", ",", '""', '"\xe9"', f'w/"{KNOWN_ETAG}"', f'"{KNOWN_ETAG.upper()}"'),
)
AUTHORIZATIONS = ("", "Bearer", "Bearer ", "Basic YTpi", "Bearer a.b.c", "bearer x", "Bearer \xe9")


@dataclass(frozen=True)
class Conversation:
    """The packets that one client sends before it closes its side of the connection."""

    name: str
    packets: tuple[bytes, ...]

    @property
    def sent(self) -> bytes:
        return b"".join(self.packets)


class Builder:
    """Generates requests at random, with a fixed seed."""

    def __init__(self) -> None:
        self.chance = random.Random(SEED)
        self._tokens = {user: bearer(user)["Authorization"] for user in USERS}
        self._tokens["lessons"] = bearer("lessons")["Authorization"]
        self._tokens["service"] = bearer("backend", role="service")["Authorization"]
        good = self._tokens["ann"]
        self._odd_tokens = (
            *AUTHORIZATIONS,
            good[:-4] + "AAAA",
            good.replace("Bearer", "bearer"),
            good.replace("Bearer ", "Bearer  "),
            good + " ",
            bearer("ann", exp=1)["Authorization"],
            bearer("ann", secret="another secret, 32 bytes or more")["Authorization"],
            bearer("ann", nbf=4_000_000_000)["Authorization"],
            bearer("ann", exp=None)["Authorization"],
        )

    def any(self, choices: Any) -> Any:
        return self.chance.choice(choices)

    def head(self, method: str, target: str, headers: Iterable[tuple[str, str]]) -> bytes:
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def request(self, method: str, target: str, user: str, *more: tuple[str, str]) -> bytes:
        first = [("Host", "service"), ("Authorization", self._tokens[user])]
        return self.head(method, target, [*first, *more])

    def post(
        self,
        body: bytes,
        user: str,
        *more: tuple[str, str],
        kind: str = KINDS[0],
        to: str = "/api/progress",
    ) -> bytes:
        headers = (("Content-Type", kind), ("Content-Length", str(len(body))))
        return self.request("POST", to, user, *headers, *more) + body

    def fields(self, user: str) -> dict[str, Any]:
        """The body of a player's save for `user`."""
        neutral = self.chance.random() < 0.2
        names = ("userId", "videoId") if neutral else ("clerkId", "tmdbId")
        times = (0, 60, 3600, 59.5, 3599.999, 1e-07, -0.0, 1e8, self.chance.randrange(6000))
        body = {names[0]: user, names[1]: self.any(VIDEOS), "currentTime": self.any(times)}
        if self.chance.random() < 0.6:
            body["duration"] = self.any((5400, 5400.5, 60, 0.001))
        if self.chance.random() < 0.3:
            body["ageMs"] = self.any((0, 1, 5000, 5000.0, 90_000, 100_000_000))
        if self.chance.random() < 0.2:
            body["device"] = self.any(("TV", "\xe9 \U0001f3ac", "x" * 64))
        if self.chance.random() < 0.1:
            body |= {"unknown": [{"a": None}], "clerkID": 1}
        return body

    def good_save(self) -> bytes:
        user = self.any(USERS)
        extra = self.any(EXTRAS)
        caller = user if self.chance.random() < 0.9 else "service"
        text = json.dumps(self.fields(user), indent=self.any((None, 1)))
        save = self.post(text.encode(), caller, *extra, kind=self.any(KINDS))
        if self.chance.random() < 0.2:  # header names are case-insensitive
            save = save.replace(b"Content-Type", b"content-TYPE").replace(b"Host:", b"hOST:")
            save = save.replace(b"Authorization:", b"authorization:")
        return save

    def good_read(self) -> bytes:
        user, extra = self.any(USERS), self.any(EXTRAS)
        if self.chance.random() < 0.3:
            return self.request("GET", f"/api/progress/{user}{self.any(QUERIES[:7])}", user, *extra)
        return self.request("GET", f"/api/progress/{user}/{self.any(VIDEOS)}", user, *extra)

    def known_save(self) -> bytes:
        """A save of the point of which IF_NONE_MATCH has the ETag."""
        body = b'{"clerkId": "ann", "tmdbId": "known", "currentTime": 60, "duration": 100}'
        return self.post(body, "ann")

    def conditional_read(self) -> bytes:
        condition = ("If-None-Match", self.any(IF_NONE_MATCH))
        video = self.any(("known", "known", "known", "v1", "missing"))
        return self.request(
            "GET", f"/api/progress/ann/{video}", "ann", condition, *self.any(EXTRAS)
        )

    def deletion(self) -> bytes:
        user, extra = self.any(USERS), self.any(EXTRAS)
        caller = self.any((user, user, user, "service", "bob"))
        target = f"/api/progress/{user}/{self.any(VIDEOS)}{self.any(AGE_QUERIES)}"
        length = self.any(((), (), (("Content-Length", "0"),)))
        return self.request("DELETE", target, caller, *length, *extra)

    def deletion_with_body(self) -> bytes:
        body = self.any((b"{}", b"x", b"null"))
        length = ("Content-Length", str(len(body)))
        return self.request("DELETE", "/api/progress/ann/v1", "ann", length) + body

    def mark(self) -> bytes:
        """A mark, or its removal. Some of them have an invalid age or body."""
        user, extra = self.any(USERS), self.any(EXTRAS)
        caller = self.any((user, user, user, "service", "bob"))
        target = f"/api/progress/{user}/{self.any(VIDEOS)}/{self.any(('watched', 'dismissed'))}"
        if self.any((True, False)):
            return self.request("DELETE", target + self.any(AGE_QUERIES), caller, *extra)
        body, kind = self.any(MARK_BODIES), self.any(("", *KINDS[:8], KINDS_REFUSED[1]))
        headers = (("Content-Type", kind),) if kind else ()
        if body or self.any((True, False)):
            headers += (("Content-Length", str(len(body))),)
        return self.request("PUT", target, caller, *headers, *extra) + body

    def batch(self) -> bytes:
        """A batch of valid and invalid events."""
        user = self.any(USERS)
        events = [self.event(user) for _ in range(self.any((1, 2, 3, 8, 100)))]
        text = json.dumps({"events": events}).encode()
        caller = self.any((user, user, "service"))
        body = self.any((text, text, text, text, text, self.any(BAD_BATCHES)))
        target = "/api/progress/batch"
        return self.post(body, caller, *self.any(EXTRAS), kind=self.any(KINDS), to=target)

    def event(self, user: str) -> Any:
        if self.chance.random() < 0.1:
            return self.any((None, [], "x", 5, {}, self.fields(user) | self.any(BAD_FIELDS)))
        event = self.fields(user if self.chance.random() < 0.9 else "bob")
        kind = self.any(("save", None, None, None, *EVENT_TYPES))
        event |= {"type": kind} if kind else {}
        event |= {"id": self.any(EVENT_IDS)} if self.chance.random() < 0.5 else {}
        return event

    def own_save(self) -> bytes:
        """A valid save of the caller's own point by one of the other two APIs."""
        path = self.any(OWN_PATHS)
        body = self.any(OWN_BODIES["rate" if path.startswith("/videos") else "position"])
        target = path.format(self.any(OWN_IDS))
        text = json.dumps(body, indent=self.any((None, 1))).encode()
        return self.post(text, self.any(USERS), *self.any(EXTRAS), kind=self.any(KINDS), to=target)

    def own_read(self) -> bytes:
        target = self.any(OWN_PATHS).format(self.any(OWN_IDS)) + self.any(("", "", "?x=1"))
        return self.request("GET", target, self.any(USERS), *self.any(EXTRAS))

    def odd_own(self) -> bytes:
        """A request of these two APIs with an invalid id, body or caller."""
        path, bad_id = self.any(OWN_PATHS), self.any(OWN_BAD_IDS)
        if self.any((True, False)):
            return self.request(
                "GET", path.format(bad_id), self.any((*USERS, "service", "lessons"))
            )
        good = self.any(OWN_BODIES["rate"]) | self.any(OWN_BODIES["position"])
        body = json.dumps(self.any((self.any(OWN_BAD_BODIES), good))).encode()
        body = self.any((body, body, body, self.any(BAD_BODIES)))
        kind = self.any((*KINDS, *KINDS_REFUSED))
        target = path.format(self.any((self.any(OWN_IDS), bad_id)))
        return self.post(body, self.any((*USERS, "lessons")), kind=kind, to=target)

    def wrong_user(self) -> bytes:
        if self.any((True, False)):
            return self.post(json.dumps(self.fields("ann")).encode(), "bob")
        return self.request("GET", self.any(("/api/progress/ann", "/api/progress/ann/v1")), "bob")

    def odd_token(self) -> bytes:
        authorization = ("Authorization", self.any(self._odd_tokens))
        headers = [("Host", "h"), *self.any(((authorization,), (), (authorization,)))]
        if self.any((True, False)):
            return self.head(
                "GET", self.any(("/api/progress/ann/v1", "/api/progress/ann")), headers
            )
        body = json.dumps(self.fields("ann")).encode()
        headers += [("Content-Type", KINDS[0]), ("Content-Length", str(len(body)))]
        return self.head("POST", "/api/progress", headers) + body

    def bad_body(self) -> bytes:
        if self.any((True, False)):
            return self.post(self.any(BAD_BODIES), "ann")
        return self.post(json.dumps(self.fields("ann") | self.any(BAD_FIELDS)).encode(), "ann")

    def odd_save(self) -> bytes:  # noqa: PLR0911 - a table of cases
        """A save with a valid body and an invalid head or framing."""
        body = json.dumps(self.fields("ann")).encode()
        kind, length = ("Content-Type", KINDS[0]), ("Content-Length", str(len(body)))
        case = self.chance.randrange(7)
        if case == 0:
            return self.post(body, "ann", kind=self.any(KINDS_REFUSED))
        if case == 1:
            return self.request("POST", "/api/progress", "ann", kind) + body
        if case == 2:
            bad_length = ("Content-Length", self.any(LENGTHS))
            return self.request("POST", "/api/progress", "ann", kind, bad_length) + body
        if case == 3:
            return self.post(body.ljust(self.any((LIMIT, LIMIT, LIMIT + 1, 2 * LIMIT))), "ann")
        if case == 4:
            chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
            chunks = self.any((chunks, chunks, chunks[:-3], b"zz\r\n"))
            coded = ("Transfer-Encoding", "chunked")
            return self.request("POST", "/api/progress", "ann", kind, coded) + chunks
        if case == 5:
            return self.post(body, "ann")[: -self.any((1, len(body), len(body) + 3))]
        return self.request("POST", "/api/progress/ann/v1", "ann", kind, length) + body

    def odd_headers(self) -> bytes:
        odd = self.any(ODD_HEADERS)
        if self.any((True, False)):
            return self.post(json.dumps(self.fields("ann")).encode(), "ann", *odd)
        return self.request(
            "GET", self.any(("/api/progress/ann/v1", "/api/progress/ann")), "ann", *odd
        )

    def odd_host(self) -> bytes:
        return self.request("GET", "/api/progress/ann/v1", "ann").replace(
            b"Host: service", b"Host: " + self.any(HOSTS).encode()
        )

    def odd_path(self) -> bytes:
        return self.request("GET", self.any(PATHS), "ann", *self.any(EXTRAS))

    def odd_query(self) -> bytes:
        return self.request(
            "GET", "/api/progress/ann" + self.any(QUERIES), "ann", *self.any(EXTRAS)
        )

    def odd_method(self) -> bytes:
        path = self.any(("/api/progress", "/api/progress/ann", "/api/progress/ann/v1", "/healthz"))
        path = self.any((path, path, "/api/progress/batch", "/api/progress/ann/v1/watched"))
        asked = ("Access-Control-Request-Method", "POST")
        return self.request(self.any(METHODS), path, "ann", *self.any(EXTRAS), asked)

    def odd_line(self) -> bytes:
        read = self.request("GET", "/api/progress/ann/v1", "ann")
        return self.any(
            (
                read.replace(b"HTTP/1.1", b"HTTP/1.0"),
                read.replace(b"HTTP/1.1\r\n", b"HTTP/1.0\r\nConnection: keep-alive\r\n"),
                read.replace(b"HTTP/1.1", b"HTTP/1.2"),
                read.replace(b"HTTP/1.1", b"HTTP/2.1"),
                read.replace(b"HTTP/1.1", b"http/1.1"),
                read.replace(b"GET ", b"get "),
                read.replace(b"GET ", b"GET  "),
                read.replace(b"GET ", b"GET\t"),
                read.replace(b"\r\n", b"\n"),
                read.replace(b"\r\n", b"\n", 1),
                read.replace(b"\r\n\r\n", b"\n\n"),
                b"\r\n" + read,
                b"\r\n\r\n" + read,
                b"\n" + read,
                read[:-2],
                read[:30],
                b"hello\r\n\r\n",
            )
        )

    def one(self) -> tuple[str, bytes]:
        """The next request: the name of its kind, and its bytes."""
        kinds = {
            self.good_save: 40,
            self.good_read: 20,
            self.known_save: 2,
            self.conditional_read: 6,
            self.deletion: 6,
            self.deletion_with_body: 1,
            self.mark: 10,
            self.batch: 6,
            self.own_save: 15,
            self.own_read: 8,
            self.odd_own: 8,
            self.wrong_user: 3,
            self.odd_token: 8,
            self.bad_body: 7,
            self.odd_save: 5,
            self.odd_headers: 5,
            self.odd_host: 1,
            self.odd_path: 6,
            self.odd_query: 4,
            self.odd_method: 3,
            self.odd_line: 1,
        }
        (kind,) = self.chance.choices(list(kinds), list(kinds.values()))
        return kind.__name__, kind()

    def packets(self, data: bytes) -> tuple[bytes, ...]:
        """`data` as one packet, or in 20 % of the cases cut at random positions."""
        if self.chance.random() < 0.8:
            return (data,)
        places = sorted(self.chance.randrange(len(data) + 1) for _ in range(self.any((1, 2, 5))))
        edges = [0, *places, len(data)]
        return tuple(data[start:end] for start, end in pairwise(edges))


def thousand_requests(count: int = COUNT) -> list[tuple[str, bytes]]:
    """Requests, each with the name of its kind."""
    build = Builder()
    return [build.one() for _ in range(count)]


def conversations(requests: list[tuple[str, bytes]]) -> list[Conversation]:
    """The requests, one per connection or several pipelined."""
    build, result, rest = Builder(), [], list(requests)
    while rest:
        together, rest = rest[: (size := build.any((1, 1, 1, 2, 3, 8)))], rest[size:]
        data = b"".join(request for _, request in together)
        name = "+".join(kind for kind, _ in together)
        result.append(Conversation(f"{len(result)} {name}", build.packets(data)))
    return result
