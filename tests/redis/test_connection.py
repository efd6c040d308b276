"""A reply reaches only the caller of its command, and a round trip ends at its deadline."""

from __future__ import annotations

import socket
import threading
import time

import hiredis
import pytest
import redis

from resume_service.redis import attempt
from resume_service.redis.client import new_client
from resume_service.redis.connection import Connection
from resume_service.redis.replies import StrayReply
from tests.support.scripted_redis import ScriptedRedis, tag_of

GET = hiredis.pack_command(("GET", "k"))
OWN, STRAY = b"$3\r\nown\r\n", b"$5\r\nstray\r\n"
SECONDS = 0.4
"""Time of a round trip until its deadline."""
SLACK = 0.4
"""Seconds after the deadline within which a round trip has ended, on a busy machine."""


@pytest.fixture
def scripted():
    """`scripted(script)` returns a server and a connection to it."""
    servers = []

    def start(script):
        server = ScriptedRedis(script)
        servers.append(server)
        return server, Connection(new_client(server.url, SECONDS))

    yield start
    for each in servers:
        each.close()


def deadline():
    return time.monotonic() + SECONDS


def ask(connection):
    return connection.round_trip(GET, 1, deadline(), lambda: None)


def test_reply_and_an_error_reply_are_returned(scripted):
    replies = iter((OWN, b"-ERR no\r\n"))
    server, connection = scripted(lambda client, data: client.sendall(next(replies) + tag_of(data)))

    assert ask(connection) == ["own"]
    [error] = ask(connection)
    assert isinstance(error, redis.ResponseError)
    assert server.received == [GET, GET]
    assert server.connections == 1


def test_stray_reply_before_the_commands_closes_the_connection_first(scripted):
    def reply(client, data):
        client.sendall(OWN + tag_of(data))
        time.sleep(0.05)
        client.sendall(STRAY)

    server, connection = scripted(reply)
    assert ask(connection) == ["own"]
    time.sleep(0.15)

    assert ask(connection) == ["own"]
    assert server.connections == 2


@pytest.mark.parametrize(
    "place", ["before the reply", "after the reply", "after the tag", "the tag again"]
)
def test_stray_reply_puts_all_replies_in_doubt(scripted, place):
    def reply(client, data):
        tag = tag_of(data)
        client.sendall(
            {
                "before the reply": STRAY + OWN + tag,
                "after the reply": OWN + STRAY + tag,
                "after the tag": OWN + tag + STRAY,
                "the tag again": OWN + tag + tag,
            }[place]
        )

    server, connection = scripted(reply)

    with pytest.raises(StrayReply):
        ask(connection)
    with pytest.raises(StrayReply):
        ask(connection)
    assert server.connections == 2


def test_tag_of_an_earlier_round_trip_is_not_accepted(scripted):
    tags = []

    def reply(client, data):
        tags.append(tag_of(data))
        client.sendall(OWN + tags[0])

    _, connection = scripted(reply)

    assert ask(connection) == ["own"]
    with pytest.raises(StrayReply):
        ask(connection)


def test_reply_of_another_type_of_command_is_not_accepted_in_place_of_the_tag(scripted):
    for stray in (b":1\r\n", b"*1\r\n$1\r\na\r\n", b"$-1\r\n", b"+OK\r\n"):
        _, connection = scripted(lambda client, _, stray=stray: client.sendall(OWN + stray))
        with pytest.raises(StrayReply):
            ask(connection)


def test_refused_echo_fails_the_round_trip(scripted):
    loading = b"-LOADING Redis is loading the dataset in memory\r\n"
    _, connection = scripted(lambda client, _: client.sendall(loading * 2))

    with pytest.raises(redis.ConnectionError, match="loading"):
        ask(connection)


def drip(client, data):
    for byte in OWN + tag_of(data):
        client.sendall(bytes([byte]))
        time.sleep(0.1)


def silence(client, data):
    """Never reply."""


def garbage(client, data):
    client.sendall(b"\x00\xff garbage \r\n" * 10)


def huge_length(client, data):
    client.sendall(b"*4000000000\r\n$1\r\na\r\n")


@pytest.mark.parametrize("script", [drip, silence, huge_length])
def test_round_trip_ends_at_its_deadline(scripted, script):
    _, connection = scripted(script)
    started = time.monotonic()

    with pytest.raises(redis.RedisError):
        ask(connection)

    assert time.monotonic() - started < SECONDS + SLACK


def test_garbage_is_an_invalid_response(scripted):
    _, connection = scripted(garbage)

    with pytest.raises(redis.InvalidResponse):
        ask(connection)


def test_late_reply_reaches_no_later_caller(scripted):
    waits = iter((SECONDS + 0.2, 0, 0))

    def reply(client, data):
        number = len(server.received)
        time.sleep(next(waits))
        client.sendall(b":%d\r\n" % number + tag_of(data))

    server, connection = scripted(reply)
    with pytest.raises(redis.TimeoutError):
        ask(connection)

    assert ask(connection) == [2]
    time.sleep(0.3)
    assert ask(connection) == [3]


def test_close_after_an_error_discards_what_is_not_sent_yet(scripted):
    ends = []

    def reply(client, data):
        try:
            client.settimeout(5)
            ends.append(client.recv(1))
        except ConnectionResetError:
            ends.append("reset")

    _, connection = scripted(reply)
    with pytest.raises(redis.TimeoutError):
        ask(connection)

    limit = time.monotonic() + 5
    while not ends and time.monotonic() < limit:
        time.sleep(0.01)
    assert ends == ["reset"]


@pytest.fixture
def slow_lookup(monkeypatch):
    """Each DNS lookup takes a second; returns their threads."""
    real, threads = socket.getaddrinfo, []

    def lookup(*arguments, **options):
        threads.append(threading.current_thread().name)
        time.sleep(1)
        return real(*arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return threads


def test_slow_connect_ends_at_the_deadline_and_serves_a_later_caller(scripted, slow_lookup):
    server, connection = scripted(lambda client, data: client.sendall(OWN + tag_of(data)))
    started = time.monotonic()
    with pytest.raises(redis.TimeoutError):
        ask(connection)
    assert time.monotonic() - started < SECONDS + SLACK

    limit = time.monotonic() + 5
    replies = None
    while replies is None and time.monotonic() < limit:
        try:
            replies = ask(connection)
        except redis.TimeoutError:
            continue

    assert replies == ["own"]
    assert server.connections == 1
    assert slow_lookup == ["redis-connect"]


def test_connect_that_never_ends_is_replaced(scripted, monkeypatch):
    monkeypatch.setattr(attempt, "MAX_CONNECT_SECONDS", 0)
    hanging = [True]
    real = socket.getaddrinfo

    def lookup(*arguments, **options):
        while hanging.pop() if hanging else False:
            time.sleep(2)
        return real(*arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    _, connection = scripted(lambda client, data: client.sendall(OWN + tag_of(data)))
    with pytest.raises(redis.TimeoutError):
        ask(connection)

    assert ask(connection) == ["own"]


def test_replies_that_are_here_count_even_after_the_deadline(scripted):
    """This process may have been busy with other work when they arrived."""
    _, connection = scripted(lambda client, data: client.sendall(OWN + tag_of(data)))
    assert ask(connection) == ["own"]
    link = connection._link
    link.send(GET + b"*2\r\n$4\r\nECHO\r\n$16\r\n0123456789abcdef\r\n", deadline())
    time.sleep(0.1)

    replies = link.receive(2, time.monotonic() - 1, lambda: None)

    assert replies == ["own", "0123456789abcdef"]
