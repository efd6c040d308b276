"""Notifications of changed videos from a real Postgres to each process of the service."""

from __future__ import annotations

import contextlib
import os
import time
from datetime import UTC, datetime

import psycopg
import pytest

from resume_service.catalogue import change_listener, facts_entries
from resume_service.catalogue.facts import FactsQuery
from resume_service.catalogue.facts_cache import FactsCache
from resume_service.errors import NotFound
from resume_service.postgres import migrate
from resume_service.postgres.database import Database
from tests.support.catalogue_rows import Catalogue
from tests.support.eventually import eventually
from tests.support.fixtures.servers import new_database
from tests.support.long_timeouts import long_timeout_database
from tests.support.server_faults import frozen, killed

PROMISED_SECONDS = 1.0
LISTENERS = """
    SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query = 'SELECT 1'
       AND application_name = 'resume-service' AND pid <> pg_backend_pid()
"""


class CountingQuery(FactsQuery):
    queries = 0

    def facts(self, video_id):
        self.queries += 1
        return super().facts(video_id)


class Process:
    """The cache of one process of the service, with its own connections."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.source = CountingQuery(self.database)
        self.cache = FactsCache(self.source, self.database)

    def facts(self, video):
        return self.cache.facts(video)

    def queries_of_a_read(self, video) -> int:
        """Read the facts. Return the number of queries that this sent to Postgres."""
        before = self.source.queries
        self.facts(video)
        return self.source.queries - before

    def has_cached(self, video) -> bool:
        return self.queries_of_a_read(video) == 0

    def is_offered(self, video) -> bool:
        try:
            return self.facts(video).is_offered
        except NotFound:
            return False

    def wait_for_notifications(self, catalogue) -> None:
        """Return when all notifications of earlier commits have arrived: they arrive in order."""
        last = catalogue.add_video()
        eventually(lambda: self.has_cached(last))
        catalogue.update(last, kind="movie")
        eventually(lambda: self.facts(last).kind == "movie")

    def close(self) -> None:
        self.cache.close()
        self.database.close()


@pytest.fixture(scope="module")
def database(postgres):
    """One database for all tests of this module. No other test listens on it."""
    with new_database(postgres) as url:
        yield url


@pytest.fixture
def sql(database):
    """A connection, after the listeners of the previous test have disconnected."""
    with psycopg.connect(database, autocommit=True) as connection:
        eventually(lambda: not connection.execute(LISTENERS).fetchall())
        yield connection


@pytest.fixture
def catalogue(sql):
    return Catalogue(sql)


@pytest.fixture
def processes(database):
    with contextlib.ExitStack() as ends:
        yield [
            ends.enter_context(contextlib.closing(Process(long_timeout_database(database))))
            for _ in range(2)
        ]


@pytest.fixture(scope="module")
def stoppable_postgres(postgres_servers):
    """A running Postgres that only the tests of this module use, so they may stop it."""
    server = postgres_servers()
    server.start()
    migrate.upgrade(server.url)
    yield server
    server.kill()


CHANGES = {
    "deleted": lambda catalogue, video: catalogue.mark_deleted(video),
    "removed": lambda catalogue, video: catalogue.delete_row(video),
    "unpublished": lambda catalogue, video: catalogue.update(video, published=False),
    "truncated": lambda catalogue, _: catalogue._sql.execute("TRUNCATE videos CASCADE"),
}


@pytest.mark.alone
@pytest.mark.parametrize("change", CHANGES)
def test_every_process_sees_within_a_second_that_a_video_is_gone(change, catalogue, processes):
    video = catalogue.add_video()
    for process in processes:
        eventually(lambda process=process: process.has_cached(video))
    CHANGES[change](catalogue, video)

    took = eventually(lambda: not any(process.is_offered(video) for process in processes))
    assert took < PROMISED_SECONDS


@pytest.mark.usefixtures("long_catalogue_timeouts")
def test_each_changed_fact_invalidates_the_cache_and_another_path_does_not(catalogue, processes):
    process, _ = processes
    video, company = catalogue.add_video(), catalogue.add_corporation()
    eventually(lambda: process.has_cached(video))
    catalogue.update(video, file_path="b.mp4", updated_at=datetime.now(UTC))
    process.wait_for_notifications(catalogue)
    assert process.has_cached(video)

    for column, value, fact in (
        ("kind", "movie", "kind"),
        ("duration_seconds", 60.5, "duration"),
        ("corporation_id", company, "corporation_id"),
        ("name", "Another", "name"),
        ("series_id", 7, "series_id"),
        ("season_number", 2, "season_number"),
        ("episode_number", 3, "episode_number"),
        ("published", False, "is_offered"),
    ):
        eventually(lambda: process.has_cached(video))
        catalogue.update(video, **{column: value})
        eventually(lambda f=fact, v=value: getattr(process.facts(video), f) == v)


@pytest.mark.usefixtures("long_catalogue_timeouts")
def test_an_added_video_replaces_the_entry_that_it_is_missing(catalogue, processes):
    process, _ = processes
    known = catalogue.add_video()
    eventually(lambda: process.has_cached(known))
    new = known + 1000
    assert process.cache.facts_of([known, new]).keys() == {known}
    assert process.cache.cached_facts_of([known, new]).keys() == {known}
    catalogue.add_video(new)

    eventually(lambda: process.cache.facts_of([known, new]).keys() == {known, new})
    assert process.has_cached(known)


@pytest.mark.usefixtures("long_catalogue_timeouts")
def test_a_change_that_is_rolled_back_does_not_invalidate_the_cache(sql, catalogue, processes):
    process, _ = processes
    video = catalogue.add_video()
    eventually(lambda: process.has_cached(video))
    with contextlib.suppress(ZeroDivisionError), sql.transaction():
        catalogue.mark_deleted(video)
        raise ZeroDivisionError
    process.wait_for_notifications(catalogue)

    assert process.has_cached(video)
    assert process.is_offered(video)


@pytest.mark.alone
def test_after_a_lost_connection_the_listener_reconnects_and_misses_no_change(
    sql, catalogue, processes
):
    process, _ = processes
    video = catalogue.add_video()
    eventually(lambda: process.has_cached(video))
    sql.execute(f"SELECT pg_terminate_backend(pid) FROM ({LISTENERS}) AS ours")
    catalogue.update(video, kind="movie")

    assert eventually(lambda: process.facts(video).kind == "movie") < PROMISED_SECONDS
    eventually(lambda: process.has_cached(video))


def test_if_the_listener_cannot_connect_each_read_queries_postgres(
    catalogue, processes, monkeypatch
):
    """For example when all connections are in use: slower, but a deletion is seen."""
    process, _ = processes
    video = catalogue.add_video()

    def refuse():
        raise psycopg.OperationalError("too many clients")

    monkeypatch.setattr(process.cache._listener, "_connected", refuse)
    for _ in range(20):
        assert process.queries_of_a_read(video) == 1
        time.sleep(0.02)
    catalogue.mark_deleted(video)

    assert not process.is_offered(video)


def test_behind_a_connection_pooler_each_read_queries_postgres(catalogue, processes, monkeypatch):
    """A pooler may lose notifications. It announces a process id that is not the backend's."""
    process, _ = processes
    video = catalogue.add_video()
    monkeypatch.setattr(change_listener, "_announced_pid", lambda _connection: -1)
    for _ in range(20):
        assert process.queries_of_a_read(video) == 1
        time.sleep(0.02)


@pytest.mark.usefixtures("long_catalogue_timeouts")
def test_without_reads_the_listener_disconnects_until_the_next_read(
    sql, catalogue, processes, monkeypatch
):
    process, _ = processes
    video = catalogue.add_video()
    eventually(lambda: process.has_cached(video))
    assert len(sql.execute(LISTENERS).fetchall()) == 1
    with monkeypatch.context() as idle:
        idle.setattr(facts_entries, "IDLE_SECONDS", 0)
        eventually(lambda: not process.cache._listener._thread.is_alive())
    eventually(lambda: not sql.execute(LISTENERS).fetchall())

    assert process.queries_of_a_read(video) == 1
    eventually(lambda: process.has_cached(video))


def test_close_ends_the_listeners_thread_and_connection(sql, catalogue, database):
    video = catalogue.add_video()
    with contextlib.closing(Process(long_timeout_database(database))) as process:
        eventually(lambda: process.has_cached(video))
        thread = process.cache._listener._thread
        assert thread.is_alive()

    eventually(lambda: not thread.is_alive())
    eventually(lambda: not sql.execute(LISTENERS).fetchall())


@pytest.mark.usefixtures("long_catalogue_timeouts")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the test is about a fork
def test_a_forked_process_starts_its_own_listener(sql, catalogue, processes):
    process, _ = processes
    video = catalogue.add_video()
    eventually(lambda: process.has_cached(video))
    listeners = sql.execute(LISTENERS).fetchall()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - coverage does not measure the child
        verdict = b"0"
        with contextlib.suppress(BaseException):
            process.database.close()
            queries_first = process.queries_of_a_read(video) == 1
            eventually(lambda: process.has_cached(video))
            verdict = b"1" if queries_first else b"2"
        os.write(writing, verdict)
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:  # noqa: PTH123 - a pipe has no path
        verdict = pipe.read(1)
    os.waitpid(child, 0)

    assert verdict == b"1"
    assert process.has_cached(video)
    assert len(listeners) == 1
    eventually(lambda: sql.execute(LISTENERS).fetchall() == listeners)


@pytest.mark.alone
@pytest.mark.parametrize("fault", [frozen, killed], ids=lambda each: each.__name__)
def test_while_postgres_is_unreachable_cached_facts_need_no_query(fault, stoppable_postgres):
    """No read waits, neither for the listener's lost connection nor for its next attempts."""
    server = stoppable_postgres
    with psycopg.connect(server.url, autocommit=True) as sql:
        video = Catalogue(sql).add_video()
    with contextlib.closing(Process(Database(server.url))) as process:
        eventually(lambda: process.has_cached(video))
        with fault(server):
            before, deadline = process.source.queries, time.monotonic() + 2
            while time.monotonic() < deadline:
                assert process.is_offered(video)
                time.sleep(0.001)

        assert process.source.queries == before
        eventually(lambda: process.queries_of_a_read(video) == 1)
        eventually(lambda: process.has_cached(video))
