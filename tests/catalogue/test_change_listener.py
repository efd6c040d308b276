"""How a process hears that a video has changed, from a real Postgres."""

from __future__ import annotations

import contextlib
import os
import time
from datetime import UTC, datetime

import psycopg
import pytest

from resume_service.catalogue import change_listener, facts_cache
from resume_service.catalogue.facts import FactsQuery
from resume_service.catalogue.facts_cache import FactsCache
from resume_service.errors import NotFound
from resume_service.postgres.database import Database
from tests.support.catalogue_rows import Catalogue
from tests.support.eventually import eventually
from tests.support.long_timeouts import long_timeout_database
from tests.support.server_faults import frozen, killed

PROMISED_SECONDS = 1.0
LISTENERS = """
    SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query = 'SELECT 1'
       AND application_name = 'resume-service' AND pid <> pg_backend_pid()
"""


class Counting(FactsQuery):
    asked = 0

    def facts(self, video_id):
        self.asked += 1
        return super().facts(video_id)


class Process:
    """What one process of the service knows of videos."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.source = Counting(self.database)
        self.memory = FactsCache(self.source, self.database)

    def facts(self, video):
        return self.memory.facts(video)

    def asks(self, video) -> int:
        """How many questions go to Postgres when this process wants to know."""
        before = self.source.asked
        self.facts(video)
        return self.source.asked - before

    def remembers(self, video) -> bool:
        return self.asks(video) == 0

    def is_offered(self, video) -> bool:
        try:
            return self.facts(video).is_offered
        except NotFound:
            return False

    def has_heard_all(self, catalogue) -> None:
        """Return when it was told of all that was committed before: news come in that order."""
        last = catalogue.video()
        eventually(lambda: self.remembers(last))
        catalogue.set(last, kind="movie")
        eventually(lambda: self.facts(last).kind == "movie")

    def close(self) -> None:
        self.memory.close()
        self.database.close()


@pytest.fixture
def sql(database):
    with psycopg.connect(database, autocommit=True) as connection:
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


CHANGES = {
    "deleted": lambda catalogue, video: catalogue.delete(video),
    "removed": lambda catalogue, video: catalogue.remove(video),
    "unpublished": lambda catalogue, video: catalogue.set(video, published=False),
    "truncated": lambda catalogue, _: catalogue._sql.execute("TRUNCATE videos CASCADE"),
}


@pytest.mark.alone
@pytest.mark.parametrize("change", CHANGES)
def test_every_process_knows_within_a_second_that_a_video_is_gone(change, catalogue, processes):
    video = catalogue.video()
    for process in processes:
        eventually(lambda process=process: process.remembers(video))
    CHANGES[change](catalogue, video)

    took = eventually(lambda: not any(process.is_offered(video) for process in processes))
    assert took < PROMISED_SECONDS


@pytest.mark.usefixtures("no_hurry")
def test_every_fact_that_changes_is_heard_of_and_a_new_name_is_none(catalogue, processes):
    process, _ = processes
    video, company = catalogue.video(), catalogue.corporation()
    eventually(lambda: process.remembers(video))
    catalogue.set(video, name="Another", updated_at=datetime.now(UTC))
    process.has_heard_all(catalogue)
    assert process.remembers(video)

    for column, value, fact in (
        ("kind", "movie", "kind"),
        ("duration_seconds", 60.5, "duration"),
        ("corporation_id", company, "corporation_id"),
        ("published", False, "is_offered"),
    ):
        eventually(lambda: process.remembers(video))
        catalogue.set(video, **{column: value})
        eventually(lambda f=fact, v=value: getattr(process.facts(video), f) == v)


@pytest.mark.usefixtures("no_hurry")
def test_a_change_undone_by_its_transaction_is_none(sql, catalogue, processes):
    process, _ = processes
    video = catalogue.video()
    eventually(lambda: process.remembers(video))
    with contextlib.suppress(ZeroDivisionError), sql.transaction():
        catalogue.delete(video)
        raise ZeroDivisionError
    process.has_heard_all(catalogue)

    assert process.remembers(video)
    assert process.is_offered(video)


@pytest.mark.alone
def test_a_connection_that_is_ended_is_made_anew_and_nothing_is_missed(sql, catalogue, processes):
    process, _ = processes
    video = catalogue.video()
    eventually(lambda: process.remembers(video))
    sql.execute(f"SELECT pg_terminate_backend(pid) FROM ({LISTENERS}) AS ours")
    catalogue.set(video, kind="movie")

    assert eventually(lambda: process.facts(video).kind == "movie") < PROMISED_SECONDS
    eventually(lambda: process.remembers(video))


def test_where_nobody_can_listen_every_question_goes_to_postgres(catalogue, processes, monkeypatch):
    """As when all connections are taken but those that ask: slower, and as right."""
    process, _ = processes
    video = catalogue.video()

    def refused():
        raise psycopg.OperationalError("too many clients")

    monkeypatch.setattr(process.memory._changes, "_connected", refused)
    for _ in range(20):
        assert process.asks(video) == 1
        time.sleep(0.02)
    catalogue.delete(video)

    assert not process.is_offered(video)


def test_behind_a_pool_that_may_lose_notices_nothing_is_believed_without_asking(
    catalogue, processes, monkeypatch
):
    """A pool announces itself under a process id of its own."""
    process, _ = processes
    video = catalogue.video()
    monkeypatch.setattr(change_listener, "_announced_pid", lambda _connection: -1)
    for _ in range(20):
        assert process.asks(video) == 1
        time.sleep(0.02)


@pytest.mark.usefixtures("no_hurry")
def test_a_process_that_asks_nothing_more_stops_listening(sql, catalogue, processes, monkeypatch):
    process, _ = processes
    video = catalogue.video()
    eventually(lambda: process.remembers(video))
    assert len(sql.execute(LISTENERS).fetchall()) == 1
    with monkeypatch.context() as idle:
        idle.setattr(facts_cache, "IDLE_SECONDS", 0)
        eventually(lambda: not process.memory._changes._listener.is_alive())
    eventually(lambda: not sql.execute(LISTENERS).fetchall())

    assert process.asks(video) == 1
    eventually(lambda: process.remembers(video))


def test_closing_ends_thread_and_connection(sql, catalogue, database):
    video = catalogue.video()
    with contextlib.closing(Process(long_timeout_database(database))) as process:
        eventually(lambda: process.remembers(video))
        listener = process.memory._changes._listener
        assert listener.is_alive()

    eventually(lambda: not listener.is_alive())
    eventually(lambda: not sql.execute(LISTENERS).fetchall())


@pytest.mark.usefixtures("no_hurry")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # that is what it is about
def test_a_forked_process_listens_for_itself(sql, catalogue, processes):
    process, _ = processes
    video = catalogue.video()
    eventually(lambda: process.remembers(video))
    listening = sql.execute(LISTENERS).fetchall()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - of the child's end only its verdict is seen
        verdict = b"0"
        with contextlib.suppress(BaseException):
            process.database.close()
            asks_first = process.asks(video) == 1
            eventually(lambda: process.remembers(video))
            verdict = b"1" if asks_first else b"2"
        os.write(writing, verdict)
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as told:  # noqa: PTH123 - a pipe has no path
        verdict = told.read(1)
    os.waitpid(child, 0)

    assert verdict == b"1"
    assert process.remembers(video)
    assert len(listening) == 1
    eventually(lambda: sql.execute(LISTENERS).fetchall() == listening)


@pytest.mark.alone
@pytest.mark.parametrize("fault", [frozen, killed], ids=lambda each: each.__name__)
def test_while_postgres_is_out_of_reach_known_videos_are_known_at_once(fault, migrated_copy):
    """No question waits: not for the connection that fails, nor for the next."""
    server = migrated_copy
    with psycopg.connect(server.url, autocommit=True) as sql:
        video = Catalogue(sql).video()
    with contextlib.closing(Process(Database(server.url))) as process:
        eventually(lambda: process.remembers(video))
        with fault(server):
            before, deadline = process.source.asked, time.monotonic() + 2
            while time.monotonic() < deadline:
                assert process.is_offered(video)
                time.sleep(0.001)

        assert process.source.asked == before
        eventually(lambda: process.asks(video) == 1)
        eventually(lambda: process.remembers(video))
