"""During an upgrade, both versions use the same Redis and the same archive."""

from __future__ import annotations

from datetime import timedelta

import pytest

from resume_service.clock import epoch_ms, iso
from resume_service.errors import NotFound
from resume_service.resume.model import EventType
from tests.support.archive_stores import MONTH, NO_ENTRIES
from tests.support.previous_version.store import PreviousStore
from tests.support.previous_version.worker import PreviousWorker


class Previous(PreviousWorker):
    """The web server and the worker of the previous version."""

    def __init__(self, stores):
        super().__init__(stores)
        self._store = PreviousStore(stores.redis)

    def save(self, position=None, *, video="v", **more):
        self._store.save(video, epoch_ms(self._stores.now[0]), position, **more)

    def delete(self, video="v"):
        self._store.delete(video, epoch_ms(self._stores.now[0]))


@pytest.fixture
def old(stores):
    return Previous(stores)


def test_points_and_entries_of_the_version_before_are_archived(stores, old):
    old.save(100, duration=100)
    first = iso(stores.now[0])
    stores.pass_time(seconds=1)
    old.save(5, duration=100)
    old.save(30, video="no-duration")
    old.save(rate=85, video="rate")
    stores.cycle()

    row = stores.row()
    assert (row["position"], row["percent"], row["watched"]) == (5, 5, True)
    assert (row["watched_at"], row["completed_at"]) == (first, first)
    assert stores.row("no-duration")["percent"] is None
    assert (stores.row("rate")["percent"], stores.row("rate")["duration"]) == (85, None)
    assert stores.entries() == NO_ENTRIES


def test_a_row_of_the_version_before_is_merged_with_a_new_save(stores, old):
    old.save(100, duration=100)
    first = iso(stores.now[0])
    old.flush()
    stores.expire()
    stores.pass_time(days=MONTH.days + 1)
    stores.save(position=5, duration=100)
    stores.cycle()

    assert (stores.row()["position"], stores.row()["watched_at"]) == (5, first)
    assert stores.get().watched


def test_a_row_of_the_version_before_loses_its_flag_by_an_unwatched_mark(stores, old):
    old.save(100, duration=100)
    old.flush()
    stores.pass_time(seconds=1)
    stores.mark(EventType.UNWATCHED)
    stores.cycle()

    assert (stores.row()["watched"], stores.row()["watched_at"]) == (False, None)


def test_a_deletion_by_the_version_before_erases_the_row(stores, old):
    stores.save()
    stores.cycle()
    stores.pass_time(seconds=1)
    old.delete()
    stores.cycle()

    assert stores.rows() == {}
    assert stores.entries() == NO_ENTRIES


def test_a_deletion_by_the_version_before_erases_a_row_that_has_an_older_tombstone(stores, old):
    stores.delete()
    stores.pass_time(seconds=1)
    stores.save(position=100, duration=100)
    stores.cycle()
    stores.pass_time(seconds=1)
    old.delete()
    stores.cycle()

    assert stores.rows() == {}


def test_a_save_after_a_deletion_by_the_version_before_stays_without_its_past(stores, old):
    old.save(100, duration=100)
    old.flush()
    stores.pass_time(seconds=1)
    old.delete()
    stores.save(position=5, duration=100)
    stores.cycle()

    assert (stores.row()["position"], stores.row()["watched"]) == (5, False)
    assert not stores.get().watched


def test_the_worker_before_keeps_what_its_own_rules_keep(stores, old):
    """It knows no state, but the state in the row stays, and is merged with what it wrote."""
    stores.save(position=95, duration=100)
    stores.pass_time(seconds=1)
    stores.save(position=20)
    stores.cycle()
    stores.pass_time(seconds=1)
    stores.save(position=30, duration=200)
    old.flush()
    assert (stores.row()["position"], stores.row()["watched"]) == (30, True)
    stores.pass_time(seconds=1)
    stores.save(position=40)
    stores.cycle()

    row = stores.row()
    assert (row["position"], row["duration"], row["percent"]) == (40, 200, 20)
    assert row["watched"]


def test_a_row_that_the_worker_before_marks_as_watched_again_is_corrected(stores, old):
    """It keeps the flag of a row for ever. The next flush of this version knows the mark."""
    stores.save(position=95, duration=100)
    stores.cycle()
    stores.pass_time(seconds=1)
    stores.mark(EventType.UNWATCHED)
    old.flush()
    assert stores.row()["watched"]
    stores.pass_time(seconds=1)
    stores.save(position=20, duration=100)
    stores.cycle()

    assert (stores.row()["watched"], stores.row()["watched_at"]) == (False, None)
    assert not stores.get().watched


def test_saves_of_both_versions_end_in_the_latest(stores, old):
    stores.save(position=10, duration=100)
    stores.pass_time(seconds=1)
    old.save(20, duration=100)
    stores.cycle()
    stores.save(position=15, duration=100, measured_at=stores.now[0] - timedelta(milliseconds=500))
    stores.cycle()

    assert (stores.row()["position"], stores.get().position) == (20, 20)


def test_a_restore_by_the_worker_before_is_completed_by_a_flush(stores, old):
    stores.save(position=95, duration=100)
    stores.pass_time(seconds=1)
    stores.save(position=20)
    stores.cycle()
    stores.redis.flushall()
    old.restore()
    stores.pass_time(seconds=1)
    stores.save(position=30)
    stores.cycle()

    assert (stores.row()["position"], stores.row()["watched"]) == (30, True)
    assert (stores.get().position, stores.get().duration) == (30, 100)


def test_the_worker_before_erases_the_row_of_a_deletion_by_this_version(stores, old):
    stores.save()
    stores.cycle()
    stores.pass_time(seconds=1)
    stores.delete()
    old.flush()

    assert stores.rows() == {}
    assert stores.entries() == NO_ENTRIES


def test_a_deletion_by_a_host_of_the_version_before_that_is_behind_erases_the_row(stores, old):
    """Its entry has the time of the host, but the tombstone has the time of Redis."""
    stores.delete()
    stores.pass_time(seconds=1)
    stores.save()
    stores.cycle()
    stores.pass_time(seconds=-5)
    old.delete()
    stores.pass_time(seconds=6)
    stores.cycle()

    assert stores.rows() == {}


def test_a_claim_that_the_worker_before_left_behind_is_flushed(stores, old):
    old.save(10, duration=100)
    old.save(10, video="gone", duration=100)
    old.flush()
    stores.pass_time(seconds=1)
    old.save(20, duration=100)
    old.delete("gone")
    for kind, entry in (("dirty", "ann:v"), ("erased", "ann:gone")):
        stores.redis.zadd(f"archive:{kind}", {entry: -99})
    stores.cycle()

    assert [video for _, video in stores.rows()] == ["v"]
    assert stores.row()["position"] == 20
    with pytest.raises(NotFound):
        stores.get("gone")
