"""Writes many points as the service does: records the commands of the store and sends them."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice

import hiredis
import redis

from bench.options import BenchFailed
from bench.workload import DURATION
from dev.redis_server import RedisServer
from resume_service.clock import epoch_ms
from resume_service.redis.call import Call, Command
from resume_service.redis.client import new_client
from resume_service.redis.operation import Operation
from resume_service.redis.router import RedisRouter
from resume_service.redis.servers import OneServer
from resume_service.resume.keys import Keys
from resume_service.resume.model import Measurement, PointSettings
from resume_service.resume.scripts import MERGE_POINT
from resume_service.resume.store import ResumeStore
from resume_service.settings import Settings

PER_USER = 50
CHUNK = 500
BUFFER_BYTES = 65_536
TIMEOUT_SECONDS = 10.0
FIRST_SAVE = datetime.now(UTC) - timedelta(hours=2)
QUARTERS = 4
_match_positive = re.compile(rb":[1-9][0-9]*").fullmatch


def user(number: int) -> str:
    return f"user{number:06d}"


def video(number: int) -> str:
    return f"film{number:06d}"


def measurement(user_number: int, video_number: int, second: float) -> Measurement:
    """A measurement at the end of a quarter of the video. Every fourth one is watched."""
    quarter = 1 + (user_number + video_number) % QUARTERS
    return Measurement(
        user_id=user(user_number),
        video_id=video(video_number),
        position=DURATION * quarter / QUARTERS - 0.5,
        arrived_ms=epoch_ms(FIRST_SAVE + timedelta(seconds=second)),
        duration=DURATION,
    )


def store_of(server: RedisServer) -> ResumeStore:
    """The store of the service on `server`."""
    router = RedisRouter(OneServer(new_client(server.url, TIMEOUT_SECONDS)))
    settings = PointSettings.from_settings(Settings())
    return ResumeStore(router, Keys(), settings, archive=True, fixed_clock=True)


def saves(
    measurements: Iterable[Measurement], *, keys: Keys | None = None
) -> Iterator[list[Command]]:
    """The commands that the service sends to Redis for each of `measurements`."""
    router = RedisRouter(OneServer(new_client("redis://unused", TIMEOUT_SECONDS)))
    store = ResumeStore(
        router,
        keys or Keys(),
        PointSettings.from_settings(Settings()),
        archive=True,
        fixed_clock=True,
    )
    for each in measurements:
        yield commands_of(store.save(each), each.arrived_ms)


def commands_of(save: Operation[bool], at_ms: int) -> list[Command]:
    """The commands that `save` would send. None is sent: each gets the reply to an applied save."""
    commands: list[Command] = []
    with suppress(StopIteration):
        step = next(save)
        while isinstance(step, Call):
            commands += step.commands
            step = save.send([at_ms] * step.count)
    return commands


def packed(command: Command) -> bytes:
    return bytes(hiredis.pack_command(command))  # type: ignore[arg-type]  # its stub expects a fixed length


def load_scripts(client: redis.Redis) -> None:
    client.script_load(MERGE_POINT.text)


def fill(server: RedisServer, users: Iterable[int], *, per_user: int = PER_USER) -> int:
    """Save the first `per_user` videos of `users`. Returns the number of points.

    It saves one video for all users before the next. So the points of a user are scattered in
    Redis' memory, as after months of real use.
    """
    load_scripts(server.client)
    numbers = list(users)
    measurements = (measurement(u, v, v) for v in range(per_user) for u in numbers)
    send((packed(command) for (command,) in saves(measurements)), server)
    return len(numbers) * per_user


def send(commands: Iterator[bytes], server: RedisServer) -> None:
    """Send saves in pipelines. Builds the next pipeline while Redis runs the last one.

    Raises BenchFailed if a save is not applied.
    """
    with connect(server) as connection:
        in_flight = 0
        while chunk := list(islice(commands, CHUNK)):
            if in_flight:
                expect_applied(connection, in_flight)
            connection.sendall(b"".join(chunk))
            in_flight = len(chunk)
        expect_applied(connection, in_flight)


def connect(server: RedisServer) -> socket.socket:
    if server.port:
        return socket.create_connection(("127.0.0.1", server.port), TIMEOUT_SECONDS)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(TIMEOUT_SECONDS)
    connection.connect(str(server.socket))
    return connection


def expect_applied(connection: socket.socket, count: int) -> None:
    """Read the replies to `count` commands. Raises BenchFailed unless each is a positive integer.

    The save script replies with the time of an applied save, else with its negative. ZADD replies
    with the number of new entries.
    """
    replies = b""
    while replies.count(b"\n") < count and (more := connection.recv(BUFFER_BYTES)):
        replies += more
    numbers = replies.split()
    if len(numbers) != count or not all(_match_positive(number) for number in numbers):
        raise BenchFailed(f"a save was not applied: {replies[:200]!r}")
