"""Mutants: valid requests with random changes in the head or the body. Each run makes the same ones."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Any

from tests.support.thousand_requests import IF_NONE_MATCH, ORIGIN, Builder

SEED = 1603
NUMBERS = (
    *(
        b"0",
        b"-0",
        b"-1",
        b"1.5",
        b"5.0",
        b"1e2",
        b"1E+2",
        b"1e999",
        b"1e-400",
        b"01",
        b"1.",
        b".5",
    ),
    *(
        b"+1",
        b"0x1",
        b"1_0",
        b"NaN",
        b"-Infinity",
        b"100000000",
        b"100000000.00000001",
        b"100000001",
    ),
    *(b"9" * 40, b"9" * 5000, b"true", b"null", b'"5"', b"[]", b"{}", b"[" * 600 + b"]" * 600),
)
STRINGS = (
    *(
        b'""',
        b'"ann"',
        b'"bob"',
        b'"lessons"',
        b'"delete"',
        b'"watched"',
        b'"a/b"',
        b'"a b"',
        b'"a:b"',
        b'"%2f"',
        b'"\\u0061nn"',
    ),
    *(b'"\\ud800"', b'"\\ud83c\\udfac"', b'"\\u0000"', b'"\x01"', b'"\\x"', b'"a\\/b"', b'"\xff"'),
    *(b'"\xc3\xa9"', b'"\xed\xa0\x80"', b'"\xef\xbb\xbf"', b'"' + b"x" * 129 + b'"', b"5", b"null"),
)
NAMES = (
    *(b'"clerkId"', b'"userId"', b'"tmdbId"', b'"videoId"', b'"currentTime"', b'"duration"'),
    *(
        b'"ageMs"',
        b'"device"',
        b'"events"',
        b'"type"',
        b'"id"',
        b'"progress_rate"',
        b'"position_seconds"',
        b'"duration_seconds"',
        b'"x"',
        b'"\\ud800"',
    ),
    *(b'"\\u0063lerkId"', b'"clerkid"', b'"clerkId\\u0000"', b'"\xff"', b'""', b'"\x01"', b"1"),
)
PIECES = (
    *(
        b" ",
        b"\t",
        b"\n",
        b"\x0b",
        b"\x0c",
        b"\xa0",
        b"\xc2\xa0",
        b"\xef\xbb\xbf",
        b"\x00",
        b",",
        b":",
    ),
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b"\\",
        b"/",
        b"//x\n",
        b"#",
        b"'",
        b"\x7f",
        b"\xff",
        b"\xed\xa0\x80",
    ),
)
FIELDS = (
    *(f"If-None-Match: {value}" for value in IF_NONE_MATCH),
    *("Origin: null", f"Origin: {ORIGIN}", "Origin: http://app.example.com", "X-Request-Id: a b"),
    *(
        "X-Request-Id: ok",
        "Idempotency-Key: k",
        "Content-Type: text/plain",
        "Content-Type: text/html",
    ),
    *("Content-Type: application/json, text/plain", "Content-Type: application/json;", "Expect: x"),
    *("Host: other", "Host: a..b", "Host: ", "Transfer-Encoding: chunked", "Content-Length: 3"),
    *("Authorization: Bearer x", "Authorization: bearer  x", "Cookie: a=b", "Accept: text/html"),
)
PATHS = (
    *(
        "",
        "/",
        "//",
        "/..",
        "/%2e",
        "/%",
        "?",
        "?x",
        "?limit=1",
        "?limit=0",
        "?cursor=1795176000000-v1",
        "?limit=1&cursor=1-v",
        "?cursor=x",
        "#x",
        ";x",
        "/lessons",
        "/watched",
        "/dismissed",
        "?ageMs=1",
        "?ageMs=x",
    ),
    *(
        "/v1",
        "/a b",
        "/\xe9",
        "/a|b",
        "/<x>",
        "/" + "v" * 129,
        "/v:1",
        "/%76",
        "/\\",
        "/'",
        '/"',
        "/{x}",
    ),
)
METHODS = ("GET", "POST", "DELETE", "HEAD", "PUT", "OPTIONS", "get")
_find_number = re.compile(rb"-?[0-9][-+.0-9eE]*").finditer
_find_text = re.compile(rb'"[^"]*"').finditer


class Mutator:
    """Changes requests at random, with a fixed seed."""

    def __init__(self, seed: int = SEED) -> None:
        self._chance = random.Random(seed)
        self._build = Builder()
        self._kinds = (
            *(self._build.good_save,) * 4,
            *(self._build.own_save,) * 2,
            *(self._build.good_read, self._build.own_read, self._build.conditional_read),
            *(self._build.deletion, self._build.known_save),
            *(self._build.mark, self._build.batch),
        )

    def mutant(self) -> bytes:
        """A valid request with one to three changes. Content-Length often fits the changed body."""
        return self.changed(self._any(self._kinds)())

    def changed(self, request: bytes) -> bytes:
        head, _, body = request.partition(b"\r\n\r\n")
        length = len(body)
        for _ in range(self._any((1, 1, 1, 2, 3))):
            if body and self._chance.random() < 0.7:
                body = self._any((self._number, self._text, self._name, self._bytes, self._shape))(
                    body
                )
            else:
                head = self._any((self._path, self._field, self._field, self._method, self._bytes))(
                    head
                )
        if len(body) != length and self._chance.random() < 0.95:
            head = re.sub(rb"Content-Length: [0-9]+", b"Content-Length: %d" % len(body), head)
        return head + b"\r\n\r\n" + body

    def _any(self, choices: Sequence[Any]) -> Any:
        return self._chance.choice(choices)

    def _replaced(self, data: bytes, found: Sequence[re.Match[bytes]], other: bytes) -> bytes:
        if not found:
            return data
        start, end = self._any(found).span()
        return data[:start] + other + data[end:]

    def _number(self, body: bytes) -> bytes:
        return self._replaced(body, list(_find_number(body)), self._any(NUMBERS))

    def _text(self, body: bytes) -> bytes:
        return self._replaced(body, list(_find_text(body)), self._any(STRINGS))

    def _name(self, body: bytes) -> bytes:
        """Change a name, or add a field before the others or after them."""
        name = self._any(NAMES)
        if self._chance.random() < 0.5:
            return self._replaced(body, list(_find_text(body)), name)
        field = name + b":" + self._any(NUMBERS + STRINGS)
        if self._chance.random() < 0.5:
            return body.replace(b"{", b"{" + field + b",", 1)
        return b",".join((body.rstrip()[:-1], field + b"}"))

    def _bytes(self, data: bytes) -> bytes:
        """Change, remove, repeat or insert a few bytes."""
        at = self._chance.randrange(len(data) + 1)
        end = min(len(data), at + self._any((1, 1, 2, 8)))
        return self._any(
            (
                data[:at] + self._any(PIECES) + data[at:],
                data[:at] + self._any(PIECES) + data[end:],
                data[:at] + data[end:],
                data[:end] + data[at:],
                data[:at] + bytes([self._chance.randrange(256)]) + data[end:],
            )
        )

    def _shape(self, body: bytes) -> bytes:
        """Change the whole body: its encoding, its end, or what is around it."""
        return self._any(
            (
                b"",
                body[: self._chance.randrange(len(body) + 1)],
                body + body,
                b"[" + body + b"]",
                b'{"x":' * 300 + body + b"}" * 300,
                b" " * self._any((1, 600)) + body + b" ",
                body.decode("latin-1").encode("utf-16"),
                body.decode("latin-1").encode("utf-8-sig"),
                body.replace(b'"', b"'"),
                body.replace(b" ", b"\r\n\t"),
                body + self._any(PIECES),
                b"null",
            )
        )

    def _path(self, head: bytes) -> bytes:
        line, _, fields = head.partition(b"\r\n")
        method, _, rest = line.partition(b" ")
        target = rest.rpartition(b" ")[0].decode("latin-1")
        other = self._any(
            (
                target + self._any(PATHS),
                target.rpartition("/")[0] + self._any(PATHS),
                self._any((target.upper(), target.replace("/", "//", 1), "/" + target, "*", "x")),
                "http://other" + target,
            )
        )
        return b"%s %s HTTP/1.1\r\n%s" % (method, other.encode("latin-1", "replace"), fields)

    def _field(self, head: bytes) -> bytes:
        """Add a header field, or replace or remove one."""
        lines = head.split(b"\r\n")
        at = self._chance.randrange(1, len(lines) + 1)
        field = self._any(FIELDS).encode("latin-1")
        if self._chance.random() < 0.2:
            return b"\r\n".join([*lines[:at], *lines[at + 1 :]])
        kept = [line for line in lines if line.split(b":")[0] != field.split(b":")[0]]
        return b"\r\n".join([*(kept if self._chance.random() < 0.8 else lines), field])

    def _method(self, head: bytes) -> bytes:
        return self._any(METHODS).encode() + b" " + head.partition(b" ")[2]
