"""The end of a connection in the fast lane: no request is lost, and each connection counts once."""

from __future__ import annotations

import _socket
import gc
import socket
from types import SimpleNamespace

import gevent
import pytest

from resume_service.redis.operation import Blocking
from resume_service.server.batch import Batch
from resume_service.server.clients import Clients
from resume_service.server.connection import Connection
from resume_service.server.response_writer import send
from resume_service.server.turns import Turns
from resume_service.web.messages import ApiResponse, FastRequest, LaneResponse

READ = b"GET /api/progress/ann/v HTTP/1.1\r\nHost: h\r\n\r\n"


class Lane:
    """Answers each request when the test calls `release`."""

    largest_body = 1000

    def __init__(self, response):
        self.response = response
        self.requests: list[FastRequest] = []

    def begin(self, request):
        self.requests.append(request)
        return SimpleNamespace(request_id="id")

    def answer(self, request, start):
        return self.response
        yield


@pytest.fixture
def server():
    """A server that keeps what it would give to Flask."""

    def serve_with_flask(accepted, address, data, first_steps_left, reason):
        server.in_flask.append((data, first_steps_left))
        server.clients.count -= 1
        accepted.close()

    server = SimpleNamespace(
        lane=Lane(LaneResponse(ApiResponse(204), "id")),
        loop=gevent.get_hub().loop,
        turns=Turns(),
        clients=Clients(),
        requests=Batch(),
        sends=Batch(),
        is_stopping=False,
        serve_with_flask=serve_with_flask,
        in_flask=[],
    )
    yield server
    assert server.clients.count == 0
    assert not server.clients.waiting
    assert not server.clients.receiving
    assert not server.clients.sending


@pytest.fixture
def connect(server):
    """`connect()` returns a client with a new connection."""
    opened = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def connect(data=b""):
            client = socket.create_connection(listener.getsockname(), timeout=5)
            opened.append(client)
            accepted, address = listener.accept()
            raw = _socket.socket(fileno=accepted.detach())
            raw.settimeout(0)
            server.clients.count += 1
            Connection(server, raw, address, data)
            return client

        yield connect
    for each in opened:
        each.close()
    run_loop()


def run_loop():
    for _ in range(30):
        gevent.sleep(0.001)


def received(client) -> bytes:
    """All bytes until the end of the connection."""
    run_loop()
    return client.makefile("rb").read()


def give_up_all(server):
    for each in tuple(server.clients.waiting):
        each.give_up()


def test_request_that_arrives_before_its_connection_is_given_up_is_answered(server, connect):
    client = connect()
    client.sendall(READ)

    give_up_all(server)

    assert received(client).startswith(b"HTTP/1.1 204 ")


def test_idle_connection_that_is_given_up_closes_without_a_reset(server, connect):
    client = connect()

    give_up_all(server)

    assert received(client) == b""


def test_part_of_a_request_goes_to_flask_at_its_end(server, connect):
    client = connect()
    client.sendall(READ[:10])
    run_loop()

    give_up_all(server)
    run_loop()

    assert [data for data, _ in server.in_flask] == [READ[:10]]


def test_late_request_goes_to_flask_once(server, connect):
    client = connect()
    client.sendall(READ[:10])
    run_loop()

    [late] = server.clients.receiving
    late.end_late()
    late.close()

    assert len(server.in_flask) == 1


def test_request_has_first_steps_in_flask_only_if_its_client_waited(server, connect):
    server.lane.response = None
    connect().sendall(READ)
    run_loop()
    connect(READ)
    run_loop()

    assert [left > 0 for _, left in server.in_flask] == [True, False]


def test_response_without_bytes_closes_only_its_own_connection(server, connect):
    server.lane.response = LaneResponse(ApiResponse(204, varying=(("Link", "\u20ac"),)), "id")
    client = connect()
    client.sendall(READ)

    assert received(client) == b""


def test_response_that_has_no_bytes_raises_an_error_of_the_connection():
    answer = LaneResponse(ApiResponse(204, varying=(("Link", "\u20ac"),)), "id")

    with pytest.raises(ConnectionAbortedError):
        send(None, answer)


def test_client_that_leaves_during_its_request_is_counted_once(server, connect):
    for data in (READ, READ * 3, READ[:10], b""):
        client = connect()
        client.sendall(data)
        client.close()
    run_loop()
    server.in_flask.clear()

    assert server.clients.count == 0


def test_large_response_to_a_client_that_never_reads_is_counted_and_given_up(server, connect):
    body = b"x" * 20_000_000
    server.lane.response = LaneResponse(ApiResponse(200, (), body), "id")
    client = connect()
    client.sendall(READ)
    run_loop()
    [slow] = server.clients.sending
    assert server.clients.unsent._total > len(body)

    slow.give_up()

    assert server.clients.unsent._total == 0
    with pytest.raises(ConnectionResetError):
        received(client)


def test_large_response_arrives_completely_and_the_connection_stays_usable(server, connect):
    body = b"x" * 20_000_000
    server.lane.response = LaneResponse(ApiResponse(200, (), body), "id")
    client = connect()
    client.sendall(READ)
    client.settimeout(0)
    got = 0
    while got < len(body):
        gevent.sleep(0.001)
        try:
            got += len(client.recv(1 << 20))
        except BlockingIOError:
            continue
    assert server.clients.unsent._total == 0

    server.lane.response = LaneResponse(ApiResponse(204), "id")
    client.settimeout(5)
    client.sendall(READ)
    run_loop()
    assert client.recv(1000).startswith(b"HTTP/1.1 204 ")


class BlockingLane(Lane):
    """Its requests block for a while."""

    def answer(self, request, start):
        yield Blocking(lambda: gevent.sleep(0.02))
        return self.response


def test_client_that_closes_its_side_during_its_request_gets_the_response(server, connect):
    """The event loop does not watch the connection then. It must not be garbage."""
    server.lane = BlockingLane(server.lane.response)
    client = connect()
    client.sendall(READ)
    client.shutdown(socket.SHUT_WR)
    gevent.sleep(0.005)
    gc.collect()

    assert received(client).startswith(b"HTTP/1.1 204 ")
