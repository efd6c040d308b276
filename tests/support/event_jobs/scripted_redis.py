"""Calls of event pipelines to servers that send what they should not, or nothing.

`python -m tests.support.event_jobs.scripted_redis`. Each function returns outcomes.
`tests/server/test_redis_pipeline.py` has the promises.
"""

# ruff: noqa: I001 - the harness comes first: it patches the process
from tests.support.event_jobs.harness import (
    SECONDS,
    SHORT,
    EventPipeline,
    main,
    outcome_of,
    outcomes_of,
    until,
)

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import gevent

from resume_service.redis import attempt, circuit_breaker
from resume_service.redis.circuit_breaker import CircuitBreaker
from tests.support.scripted_redis import Script, ScriptedRedis, tag_of

GET = ("GET", "k")
OWN, STRAY = b"$3\r\nown\r\n", b"$5\r\nstray\r\n"


def reply(client: socket.socket, data: bytes) -> None:
    client.sendall(OWN + tag_of(data))


def calls_to(script: Script, count: int = 2, seconds: float = SHORT) -> list[Any]:
    """The outcomes of calls one after the other, and the number of connections."""
    server = ScriptedRedis(script)
    pipeline = EventPipeline(server.url, seconds)
    starts = (pipeline.by_greenlet, pipeline.by_callback)
    return [*(outcome_of(starts[n % 2](GET)) for n in range(count)), server.connections]


def ordinary_replies() -> list[Any]:
    return calls_to(reply, 4)


def stray_replies() -> list[Any]:
    def outcomes(first: Callable[[bytes], bytes]) -> list[Any]:
        strays = [first, first]  # also for the retry

        def script(client: socket.socket, data: bytes) -> None:
            client.sendall(strays.pop()(tag_of(data)) if strays else OWN + tag_of(data))

        return calls_to(script)

    return [
        outcomes(lambda tag: STRAY + OWN + tag),
        outcomes(lambda tag: OWN + STRAY + tag),
        outcomes(lambda tag: OWN + tag + STRAY),
        outcomes(lambda tag: OWN + tag + tag),
        outcomes(lambda _: OWN + b"$16\r\n0123456789abcdef\r\n"),  # another tag
        *[outcomes(lambda _, other=other: OWN + other) for other in (b":1\r\n", b"$-1\r\n")],
    ]


def stray_reply_to_an_idle_connection() -> list[Any]:
    server = ScriptedRedis(reply)
    pipeline = EventPipeline(server.url, SHORT)
    outcomes = [outcome_of(pipeline.by_callback(GET))]
    server._open[0].sendall(STRAY)
    until(lambda: not pipeline.pipeline._connection.is_open)
    return [*outcomes, outcome_of(pipeline.by_callback(GET)), server.connections]


def late_reply() -> list[Any]:
    waits = iter((SHORT + 0.2, 0, 0))

    def script(client: socket.socket, data: bytes) -> None:
        number = len(server.received)
        time.sleep(next(waits))
        client.sendall(b":%d\r\n" % number + tag_of(data))

    server = ScriptedRedis(script)
    pipeline = EventPipeline(server.url, SHORT)
    outcomes = [outcome_of(pipeline.by_callback(GET)) for _ in range(2)]
    gevent.sleep(SHORT)
    return [*outcomes, outcome_of(pipeline.by_callback(GET))]


def replies_that_never_end() -> dict[str, list[Any]]:
    """For each kind of server: the outcomes of calls that wait, and of a call after them."""

    def drip(client: socket.socket, data: bytes) -> None:
        for byte in OWN + tag_of(data):
            client.sendall(bytes([byte]))
            time.sleep(0.1)

    kinds = {
        "drip": drip,
        "silence": lambda *_: None,
        "huge length": lambda client, _: client.sendall(b"*4000000000\r\n$1\r\na\r\n"),
        "garbage": lambda client, _: client.sendall(b"\x00\xff garbage \r\n" * 10),
        "end": lambda client, _: client.close(),
    }

    def outcomes(bad: Script) -> list[Any]:
        scripts = [bad, reply]

        def script(client: socket.socket, data: bytes) -> None:
            scripts[0](client, data)

        server = ScriptedRedis(script)
        pipeline = EventPipeline(server.url, SHORT)
        waiting = [start(GET) for start in (pipeline.by_callback, pipeline.by_greenlet) * 3]
        result = outcomes_of(waiting)
        del scripts[0]
        return [*result, outcome_of(pipeline.by_callback(GET)), pipeline.waiting]

    return {name: outcomes(script) for name, script in kinds.items()}


def server_that_reads_nothing() -> list[Any]:
    """The kernel takes a part of the command. At the deadline, the rest is discarded."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        pipeline = EventPipeline(f"redis://127.0.0.1:{listener.getsockname()[1]}/0", SHORT)
        outcomes = [outcome_of(pipeline.by_callback(("SET", "k", "x" * 20_000_000)))]
        accepted, _ = listener.accept()
        with contextlib.suppress(ConnectionResetError):
            while accepted.recv(1 << 20):
                pass
            outcomes.append("an end of the stream")
        return [*outcomes, pipeline.pipeline._connection.is_open]


@contextlib.contextmanager
def slow_lookups(*seconds: float) -> Iterator[list[float]]:
    """The first DNS lookups take `seconds`."""
    real, left = socket.getaddrinfo, list(seconds)

    def lookup(*args: Any, **options: Any) -> Any:
        if left:
            gevent.sleep(left.pop(0))
        return real(*args, **options)

    socket.getaddrinfo = lookup
    try:
        yield left
    finally:
        socket.getaddrinfo = real


def slow_lookup_serves_a_later_caller() -> list[Any]:
    server = ScriptedRedis(reply)
    pipeline = EventPipeline(server.url, SHORT)
    with slow_lookups(2 * SHORT):
        outcomes = [outcome_of(pipeline.by_callback(GET))]
        outcomes.append(outcome_of(pipeline.by_greenlet(GET, seconds=SECONDS)))
    return [*outcomes, server.connections]


def lookup_that_never_ends_is_replaced() -> list[Any]:
    server = ScriptedRedis(reply)
    pipeline = EventPipeline(server.url, SHORT)
    attempt.MAX_CONNECT_SECONDS = 0
    with slow_lookups(2 * SECONDS):
        outcomes = [outcome_of(pipeline.by_callback(GET)), outcome_of(pipeline.by_callback(GET))]
    attempt.MAX_CONNECT_SECONDS = 5
    return [*outcomes, server.connections]


def call_that_ends_before_the_connection_opens() -> list[Any]:
    server = ScriptedRedis(reply)
    pipeline = EventPipeline(server.url, SECONDS)
    with slow_lookups(2 * SHORT):
        late = pipeline.by_callback(("GET", "late"), seconds=SHORT)
        own = pipeline.by_callback(("GET", "own"))
        return [*outcomes_of([late, own]), [b"late" in each for each in server.received]]


def without_redis() -> list[Any]:
    pipeline = EventPipeline("redis://127.0.0.1:1/0", SHORT)
    starts = (pipeline.by_callback, pipeline.by_greenlet)
    return [*outcomes_of([starts[n % 2](GET) for n in range(20)]), pipeline.waiting]


def open_circuit() -> list[Any]:
    """The calls after a failure reach no server, also those of another pipeline."""
    circuit_breaker.OPEN_SECONDS = 60
    server = ScriptedRedis(lambda *_: None)
    breaker = CircuitBreaker()
    one, other = (EventPipeline(server.url, SHORT, breaker=breaker) for _ in range(2))
    outcomes = [outcome_of(one.by_callback(GET))]
    outcomes += outcomes_of([each.by_greenlet(GET, seconds=SECONDS) for each in (one, other)])
    circuit_breaker.OPEN_SECONDS = 0
    return [*outcomes, len(server.received)]


def one_probe() -> list[Any]:
    """While a probe runs, other calls fail at once. The probe closes the circuit."""
    release = gevent.event.Event()
    received: list[bytes] = []

    def script(client: socket.socket, data: bytes) -> None:
        received.append(data)
        if len(received) > 1:
            release.wait()
            reply(client, data)

    breaker = CircuitBreaker()
    server = ScriptedRedis(script)
    one, other = (EventPipeline(server.url, SHORT, breaker=breaker) for _ in range(2))
    outcomes = [outcome_of(one.by_callback(GET))]
    probe = one.by_callback(GET, seconds=SECONDS)
    until(lambda: len(received) == 2)
    outcomes += outcomes_of([each.by_callback(GET, seconds=SECONDS) for each in (one, other)])
    release.set()
    outcomes += [outcome_of(probe), outcome_of(other.by_greenlet(GET)), breaker.is_open]
    return [*outcomes, len(received)]


if __name__ == "__main__":
    main(
        ordinary_replies,
        stray_replies,
        stray_reply_to_an_idle_connection,
        late_reply,
        replies_that_never_end,
        server_that_reads_nothing,
        slow_lookup_serves_a_later_caller,
        lookup_that_never_ends_is_replaced,
        call_that_ends_before_the_connection_opens,
        without_redis,
        open_circuit,
        one_probe,
    )
