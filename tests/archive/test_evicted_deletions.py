"""Deletions that Redis has forgotten before the flush: it keeps the newest ones of a user."""

from __future__ import annotations

from datetime import timedelta

import pytest

from resume_service.archive.flush import Flush
from resume_service.resume.model import EventType
from tests.support.archive_stores import NO_ENTRIES, stores_on
from tests.support.archive_world import KilledError
from tests.support.resume_stores import resume_store


@pytest.fixture
def stores(real_redis, database):
    """Redis and the archive keep one deletion of a user."""
    with stores_on(real_redis, database, resume_max_points=1) as stores:
        stores.points = resume_store(real_redis, archive=True, max_points=1)
        yield stores


def raise_killed(_flush):
    raise KilledError


@pytest.fixture
def killed(stores, monkeypatch):
    """Kills a flush before its commit."""

    def kill():
        with monkeypatch.context() as patch:
            patch.setattr(Flush, "commit", raise_killed)
            with pytest.raises(KilledError):
                stores.cycle()

    return kill


def test_a_deletion_without_its_tombstone_erases_the_row(stores):
    stores.save()
    stores.cycle()
    stores.expire()
    delete_and_evict(stores)
    stores.cycle()

    assert stores.rows() == {}
    assert stores.entries() == NO_ENTRIES


def test_a_late_deletion_without_its_tombstone_spares_a_newer_row(stores):
    """The limit removes its tombstone at once, because all others are newer."""
    stores.save(position=10)
    stores.cycle()
    stores.expire()
    stores.delete("other")
    stores.mark(EventType.DELETE, age=timedelta(hours=1))
    assert stores.redis.zrange("deleted:ann", 0, -1) == ["other"]
    stores.cycle()

    assert stores.row()["position"] == 10
    assert stores.entries() == NO_ENTRIES


@pytest.mark.parametrize("kills", [1, 2])
def test_a_deletion_without_its_tombstone_erases_the_row_after_killed_flushes(
    stores, killed, kills
):
    """A killed flush leaves its number in place of the time. It is still known that it was done."""
    stores.save()
    stores.cycle()
    delete_and_evict(stores)
    for _ in range(kills):
        killed()
    [(_, score), _] = stores.redis.zrange("archive:erased", 0, -1, withscores=True)
    assert score < 0
    stores.cycle()

    assert stores.rows() == {}
    assert stores.entries() == NO_ENTRIES


def test_a_save_after_such_a_deletion_stays_after_a_killed_flush(stores, killed):
    stores.save(position=10, duration=10)
    stores.cycle()
    delete_and_evict(stores)
    killed()
    stores.pass_time(seconds=1)
    stores.save(position=2)
    stores.cycle()

    assert (stores.row()["position"], stores.row()["watched"]) == (2, False)


def delete_and_evict(stores):
    """Delete the point, then another one. Redis keeps only the second deletion."""
    stores.pass_time(seconds=1)
    stores.delete()
    stores.pass_time(seconds=1)
    stores.delete("other")
    assert stores.redis.zrange("deleted:ann", 0, -1) == ["other"]
