"""The fast request parser: it parses a request as gunicorn does, or leaves it to gunicorn."""

from __future__ import annotations

import random

import pytest
from gunicorn.config import Config
from gunicorn.http import errors, get_parser
from hypothesis import given, settings
from hypothesis import strategies as st

from resume_service.server import request_parser
from resume_service.server.request_parser import INCOMPLETE

LARGEST_BODY = 1000
BODY = b"hello, world"
FIRST = b"POST /api/progress HTTP/1.1\r\nHost: h\r\n"


GUNICORN = Config()
GUNICORN.set("http_parser", "python")
GUNICORN.set("limit_request_field_size", 16_380)


def parse(data):
    return request_parser.parse(data, LARGEST_BODY)


def by_gunicorn(data):
    """Line, headers, body and rest by the parser of gunicorn; None if it refuses."""
    parser = get_parser(GUNICORN, iter([data]), ("127.0.0.1", 1))
    try:
        message = next(parser)
        body = message.body.read()
    except (errors.ParseException, OSError, StopIteration):
        return None
    assert not message.should_close()
    headers = {wsgi_name(name): value for name, value in message.headers}
    assert len(headers) == len(message.headers)
    return {
        "line": (message.method, message.path, message.query),
        "headers": headers,
        "body": body,
        "rest": parser.unreader.take_buffered(),
    }


def wsgi_name(name):
    plain = name.replace("-", "_")
    return plain if plain in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{plain}"


def assert_same(data):
    """Whether the parser accepts `data`. If so, it must agree with gunicorn."""
    parsed = parse(data)
    if parsed is None or parsed is INCOMPLETE:
        return False
    request, end = parsed
    assert by_gunicorn(data) == {
        "line": (request.method, request.path, request.query),
        "headers": request.headers,
        "body": request.body,
        "rest": data[end:],
    }
    return True


def with_headers(*lines, first=FIRST):
    return first + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + BODY


PARSED = {
    "no body": with_headers(),
    "a length": with_headers(b"Content-Length: 5"),
    "a length of zero": with_headers(b"Content-Length: 0"),
    "a length with leading zeros": with_headers(b"Content-Length: 005"),
    "blanks around a value": with_headers(b"Content-Length:  5  "),
    "an odd case": with_headers(b"cONTENT-lENGTH: 5", b"x-request-ID: a"),
    "no value": with_headers(b"X-Empty:"),
    "a connection that is kept": with_headers(b"Connection: Keep-Alive"),
    "a query": with_headers(first=b"GET /a?b=c&d=?e HTTP/1.1\r\nHost: h\r\n"),
    "escapes in the query": with_headers(first=b"GET /a?b%2Fc%zz HTTP/1.1\r\nHost: h\r\n"),
    "a deletion": with_headers(first=b"DELETE /a/b HTTP/1.1\r\nHost: h\r\n"),
    "a mark": with_headers(first=b"PUT /a/b/watched HTTP/1.1\r\nHost: h\r\n"),
    "two slashes": with_headers(first=b"GET //a//b HTTP/1.1\r\nHost: h\r\n"),
    "odd characters": with_headers(first=b'GET /[a|b\\c]{}^`<>";:@+, HTTP/1.1\r\nHost: h\r\n'),
    "no host": with_headers(first=b"GET /a HTTP/1.1\r\n"),
}


@pytest.mark.parametrize("data", PARSED.values(), ids=list(PARSED))
def test_plain_request_is_parsed_as_gunicorn_parses_it(data):
    assert assert_same(data)


LEFT = {
    "a length and chunks": with_headers(b"Content-Length: 5", b"Transfer-Encoding: chunked"),
    "chunks and a length": with_headers(b"Transfer-Encoding: chunked", b"Content-Length: 5"),
    "chunks": with_headers(b"Transfer-Encoding: chunked"),
    "chunks in odd case": with_headers(b"transfer-ENCODING: Chunked"),
    "chunks twice": with_headers(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
    "chunks, then identity": with_headers(b"Transfer-Encoding: chunked, identity"),
    "identity": with_headers(b"Transfer-Encoding: identity"),
    "an unknown coding": with_headers(b"Transfer-Encoding: xchunked"),
    "a coding with a tab": with_headers(b"Transfer-Encoding:\tchunked"),
    "a coding with a vertical tab": with_headers(b"Transfer-Encoding: \x0bchunked"),
    "a coding that is empty": with_headers(b"Transfer-Encoding:"),
    "a coding with an underscore": with_headers(b"Transfer_Encoding: chunked"),
    "a folded coding": with_headers(b"Transfer-Encoding:\r\n chunked"),
    "a length with an underscore": with_headers(b"Content_Length: 5"),
    "the same length twice": with_headers(b"Content-Length: 5", b"Content-Length: 5"),
    "two lengths": with_headers(b"Content-Length: 5", b"content-length: 6"),
    "two lengths in one": with_headers(b"Content-Length: 5, 5"),
    "a folded length": with_headers(b"Content-Length: 5\r\n 5"),
    **{
        f"a length of {length[:20]}": with_headers(b"Content-Length: " + length)
        for length in (
            *(b"+5", b"-5", b"-0", b"0x5", b"5_0", b"5.0", b"5e0", b"", b"five", b"5 5", b"5;"),
            *(b"5\xa0", b"\xb2", b"5\x0b", b"5\x0c", "\u0665".encode(), b"1" * 30, b"9" * 5000),
            b"%d" % (LARGEST_BODY + 1),
        )
    },
    "a blank before a colon": with_headers(b"Content-Length : 5"),
    "a tab before a colon": with_headers(b"Content-Length\t: 5"),
    "a blank before a name": with_headers(b" Content-Length: 5"),
    "no name": with_headers(b": 5"),
    "no colon": with_headers(b"Content-Length 5"),
    "a name beyond ASCII": with_headers(b"X\xe9: 5"),
    "an odd name": with_headers(b"X(1): 5"),
    "a header twice": with_headers(b"Authorization: a", b"authorization: b"),
    "a fold": with_headers(b"X: a\r\n b"),
    "a bare LF": with_headers(b"X: a\nContent-Length: 5"),
    "escapes in the path": with_headers(first=b"GET /a%2Fb%zz HTTP/1.1\r\nHost: h\r\n"),
    "a start that is no method": b"get /",
    "a TLS handshake": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a head too long without an end": FIRST + b"X: " + b"a" * 16_400,
    "a bare CR": with_headers(b"X: a\rContent-Length: 5"),
    "a CR before the CRLF": with_headers(b"X: a\r"),
    "NUL in a value": with_headers(b"X: a\0b"),
    "NUL in a name": with_headers(b"X\0: a"),
    "a control character": with_headers(b"X: \x01"),
    "DEL": with_headers(b"X: \x7f"),
    "an expectation": with_headers(b"Expect: 100-continue"),
    "an upgrade": with_headers(b"Upgrade: h2c"),
    "the end of the connection": with_headers(b"Connection: close"),
    "an odd connection": with_headers(b"Connection: keep-alive, close"),
    "two schemes": with_headers(b"X-Forwarded-Proto: http", b"X-Forwarded-Ssl: on"),
    "another two schemes": with_headers(b"X-Forwarded-Proto: https", b"X-Forwarded-Protocol: x"),
    "too many headers": with_headers(*(b"X-%d: a" % number for number in range(101))),
    "a header too long": with_headers(b"X: " + b"a" * 16_400),
    "an empty line before it": b"\r\n" + with_headers(),
    "an LF before it": b"\n" + with_headers(),
    **{
        f"the line {line[:30]}": with_headers(first=line + b"\r\nHost: h\r\n")
        for line in (
            *(b"GET http://h/a HTTP/1.1", b"GET a HTTP/1.1", b"GET * HTTP/1.1", b"GET  HTTP/1.1"),
            *(b"GET /a#b HTTP/1.1", b"GET /a?b#c HTTP/1.1", b"GET  /a HTTP/1.1"),
            *(b"GET /a  HTTP/1.1", b"GET\t/a HTTP/1.1", b"GET /a\tHTTP/1.1", b"GET /a HTTP/1.1 "),
            *(b"GET /a HTTP/1.0", b"GET /a HTTP/1.2", b"GET /a HTTP/2.1", b"GET /a HTTP/1.11"),
            *(b"GET /a HTTP/01.1", b"GET /a http/1.1", b"GET /a", b"GET", b"", b"HTTP/1.1"),
            *(b"GET /a b HTTP/1.1", b"GET /a\x0b HTTP/1.1", b"GET /a\0 HTTP/1.1"),
            *(b"GET /\xe9 HTTP/1.1", b"GET /a?\xe9 HTTP/1.1", b"GET /\x7f HTTP/1.1"),
            *(b"get /a HTTP/1.1", b"HEAD /a HTTP/1.1", b"PATCH /a HTTP/1.1", b"POSTS /a HTTP/1.1"),
            b"GET /" + b"a" * 8200 + b" HTTP/1.1",
        )
    },
}


@pytest.mark.parametrize("data", LEFT.values(), ids=list(LEFT))
def test_unusual_request_is_left_to_gunicorn(data):
    assert parse(data) is None


PIECES = (
    *(b"GET ", b"POST ", b"HEAD ", b"get ", b"/", b"/a", b"//", b"?", b"#", b"%41", b"a=b&c", b"*"),
    *(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", b" HTTP/1.1\n", b"\r\n", b"\r\n\r\n", b"\n", b"\r", b" "),
    *(b"\t", b":", b"Host: h\r\n", b"Content-Length: 3\r\n", b"Content-Length: ", b"5", b"0"),
    *(b"content-length:12\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: keep-alive\r\n"),
    *(b"Connection: close\r\n", b"X: y\r\n", b"X_Y: z\r\n", b"x-y: \xe9\r\n", b"abc", b"\0", b"_"),
    *(b"-", b"+", b",", b"\xff", b"Expect: 100-continue\r\n", b"3\r\nabc\r\n0\r\n\r\n", b"POST / "),
)


def mutated(data, chance):
    """`data` with one or more small faults."""
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(len(data) + 1)
        upto = at + chance.choice((0, 0, 1, 2))
        piece = chance.choice((*PIECES, bytes([chance.randrange(256)]), b""))
        data = data[:at] + piece + data[upto:]
    return data


@pytest.mark.soak
def test_random_request_is_parsed_as_by_gunicorn_or_left_to_it(effort):
    @settings(max_examples=effort(400, 50_000), deadline=None, database=None)
    @given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=2), max_size=12).map(b"".join))
    def check(pieces):
        assert_same(pieces)
        assert_same(b"GET /a HTTP/1.1\r\n" + pieces + b"\r\n\r\n" + BODY)
        assert_same(FIRST + b"Content-Length: 5\r\n" + pieces + b"\r\n" + BODY)

    check()


@pytest.mark.soak
def test_request_with_small_faults_is_parsed_as_by_gunicorn_or_left_to_it(effort):
    chance, good, taken = random.Random(603), list(PARSED.values()), 0

    for _ in range(effort(6000, 500_000)):
        taken += assert_same(mutated(chance.choice(good), chance))

    assert taken > effort(600, 50_000)


@pytest.mark.parametrize("end", range(len(b"POST /"), len(FIRST + b"Content-Length: 20\r\n\r\n1")))
def test_start_of_a_request_is_incomplete(end):
    data = with_headers(b"Content-Length: 20")

    assert parse(data[:end]) is INCOMPLETE


def test_head_with_bare_line_feeds_never_ends():
    assert parse(FIRST + b"X: a\n\n" + BODY) is INCOMPLETE
    assert parse(FIRST.replace(b"\r\n", b"\n") + b"\n" + BODY) is INCOMPLETE


def test_bytes_after_a_request_do_not_belong_to_it():
    first = with_headers(b"Content-Length: 5")

    request, end = parse(first + first)

    assert request.body == BODY[:5]
    assert end == len(first) - len(BODY[5:])


def test_header_cannot_set_the_line_of_a_request():
    names = (b"Request-Method", b"Path-Info", b"Raw-Uri", b"Query-String")

    request, _ = parse(with_headers(*(name + b": evil" for name in names)))

    assert (request.method, request.path, request.query) == ("POST", "/api/progress", "")
    assert request.headers["HTTP_PATH_INFO"] == "evil"


def test_secrets_and_header_fields_of_one_request_are_not_cached():
    lines = [b"Authorization: s1", b"authorization: s2", b"Cookie: s3", b"X-Request-Id: s4"]
    for line in lines:
        assert parse(with_headers(line, b"User-Agent: player")) is not None

    cached = request_parser._cached_fields
    assert b"User-Agent: player" in cached
    assert not cached.keys() & set(lines)


def test_cache_of_header_fields_is_limited(monkeypatch):
    monkeypatch.setattr(request_parser, "MAX_CACHED_FIELDS", 10)

    for number in range(100):
        request, _ = parse(with_headers(b"X: %d" % number))
        assert request.headers["HTTP_X"] == str(number)

    assert len(request_parser._cached_fields) <= 10
