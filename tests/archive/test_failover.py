"""The clock of a Redis server was ahead. Its successor has the right time, and the flush is late."""

from __future__ import annotations

from datetime import timedelta

import pytest

from resume_service.errors import NotFound
from resume_service.resume.model import EventType
from tests.support.archive_stores import NO_ENTRIES, stores_on
from tests.support.resume_stores import resume_store


@pytest.fixture
def fail_over(stores):
    """The clock goes from 60 s ahead to the right time, a second later."""
    stores.pass_time(seconds=60)
    return lambda: stores.pass_time(seconds=-59)


def late_flush(stores):
    """A flush when the time of the first server is past."""
    stores.pass_time(seconds=61)
    stores.cycle()


def test_save_after_a_failover_wins_over_an_archived_save_of_a_clock_ahead(stores, fail_over):
    stores.save(position=10)
    stores.cycle()
    fail_over()
    stores.save(position=20)
    late_flush(stores)

    assert (stores.row()["position"], stores.get().position) == (20, 20)


def test_save_after_a_failover_wins_over_an_archived_deletion_of_a_clock_ahead(stores, fail_over):
    stores.delete()
    stores.cycle()
    fail_over()
    stores.save(position=20)
    late_flush(stores)

    assert (stores.row()["position"], stores.get().position) == (20, 20)


@pytest.mark.parametrize("limit", [1000, 1])
def test_save_after_a_failover_wins_over_a_pending_deletion_of_a_clock_ahead(
    real_redis, database, limit
):
    """Also if Redis no longer has its tombstone, because it keeps one."""
    with stores_on(real_redis, database, resume_max_points=limit) as stores:
        stores.points = resume_store(real_redis, archive=True, max_points=limit)
        stores.pass_time(seconds=60)
        stores.delete()
        stores.pass_time(seconds=1)
        stores.delete("other")
        stores.pass_time(seconds=-60)
        stores.save(position=20)
        late_flush(stores)

        assert (stores.row()["position"], stores.get().position) == (20, 20)
        assert stores.entries() == NO_ENTRIES


def test_mark_after_a_failover_wins_over_an_archived_mark_of_a_clock_ahead(stores, fail_over):
    stores.save(position=10)
    stores.mark(EventType.WATCHED)
    stores.cycle()
    fail_over()
    stores.mark(EventType.UNWATCHED)
    late_flush(stores)

    assert not stores.row()["watched"]
    assert not stores.get().watched


def test_late_save_does_not_cut_the_time_of_a_newer_row_that_only_the_archive_has(stores):
    """It arrives after the row was measured. So no clock was ahead."""
    stores.save(position=30)
    stores.cycle()
    stores.expire()
    stores.pass_time(seconds=1)
    stores.save(position=10, measured_at=stores.now[0] - timedelta(minutes=5))
    late_flush(stores)

    assert (stores.row()["position"], stores.get().position) == (30, 30)


def test_deletion_made_offline_keeps_an_archived_save_after_it(stores):
    stores.save(position=10)
    stores.cycle()
    stores.expire()
    stores.pass_time(seconds=1)
    stores.mark(EventType.DELETE, age=timedelta(minutes=5))
    late_flush(stores)

    assert stores.row()["position"] == 10
    with pytest.raises(NotFound):
        stores.get()
