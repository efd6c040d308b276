"""A Redis without its data is restored from the archive. Newer points are not overwritten."""

from __future__ import annotations

from datetime import timedelta

import pytest

from resume_service.clock import iso
from resume_service.errors import NotFound
from resume_service.resume.bulk_store import BulkStore
from tests.support.archive_stores import MONTH, NO_ENTRIES, stores_on


def contents(client):
    """The value and the TTL of each key of points."""
    values = {}
    for key in client.scan_iter():
        if key.startswith("resume:"):
            values[key] = client.hgetall(key), client.ttl(key)
        elif key.startswith("recent:"):
            values[key] = client.zrange(key, 0, -1, withscores=True), client.ttl(key)
    return values


def are_equal_except_ttl(before, after):
    return before.keys() == after.keys() and all(
        before[key][0] == after[key][0] and abs(before[key][1] - after[key][1]) < 90
        for key in before
    )


def test_one_cycle_after_flushall_restores_every_point_unchanged(stores):
    stores.save("started", 5.25, duration=100)
    stores.save("watched", 91, duration=100)
    stores.save("completed", 100, duration=100)
    stores.save("unknown", 7)
    stores.save("rewatched", 100, duration=100)
    stores.pass_time(minutes=1)
    stores.save("rewatched", 3, duration=100)
    stores.save("started", 5, user="bob")
    stores.cycle()
    before = contents(stores.redis)
    stores.redis.flushall()

    restored = stores.archive.cycle().restored

    assert restored == 6
    assert are_equal_except_ttl(before, contents(stores.redis))


def test_restored_points_keep_their_ttl_and_expired_ones_stay_away(stores):
    """A point expires a month after its arrival. It may have been measured long before that."""
    for video in ("new", "old", "expired"):
        stores.save(video, measured_at=stores.now[0] - timedelta(days=20))
    stores.cycle()
    for video, days in (("old", 1), ("expired", 30)):
        stores.sql.execute(
            "UPDATE watch_archive SET archived_at = archived_at - %s * interval '1 day'"
            " WHERE video_id = %s",
            (days, video),
        )
    stores.redis.flushall()
    stores.archive.cycle()

    month = MONTH.total_seconds()
    for key, left in (("old", month - 24 * 3600), ("new", month)):
        assert left - 60 < stores.redis.ttl(f"resume:ann:{key}") <= left
    assert month - 60 < stores.redis.ttl("recent:ann")
    with pytest.raises(NotFound):
        stores.get("expired")


def test_a_save_after_the_loss_stays_and_gets_its_watched_state(stores):
    stores.save(position=100, duration=100)
    first = stores.now[0]
    stores.cycle()
    stores.redis.flushall()
    stores.pass_time(minutes=1)
    stores.save(position=5, duration=100)

    assert stores.archive.cycle().restored == 1

    point = stores.get()
    assert (point.position, point.updated_at, point.watched) == (5, iso(stores.now[0]), True)
    assert stores.redis.hget("resume:ann:v", "watchedAt") == iso(first)
    assert (stores.row()["position"], stores.row()["watched_at"]) == (5, iso(first))


def test_an_archived_point_replaces_an_older_one_saved_after_the_loss(stores):
    stores.save(position=100)
    stores.cycle()
    stores.redis.flushall()
    stores.save(position=5, measured_at=stores.now[0] - timedelta(minutes=1))
    stores.cycle()

    assert stores.get().position == 100
    assert stores.row()["position"] == 100


def test_a_point_deleted_during_a_restore_stays_deleted(stores, monkeypatch):
    """A worker that was frozen during a restore continues with rows that it read before."""
    stores.save()
    stores.cycle()
    stores.redis.flushall()
    merge = BulkStore.merge

    def merge_twice(points, rows):
        merge(points, rows)
        stores.delete()
        return merge(points, rows)

    monkeypatch.setattr(BulkStore, "merge", merge_twice)
    stores.cycle()

    with pytest.raises(NotFound):
        stores.get()
    assert stores.rows() == {}


def test_a_worker_frozen_until_a_restore_is_complete_restores_nothing(stores, monkeypatch):
    stores.save()
    stores.cycle()
    stale = []
    merge = BulkStore.merge
    monkeypatch.setattr(
        BulkStore, "merge", lambda self, rows: stale.append(rows) or merge(self, rows)
    )
    stores.redis.flushall()
    stores.cycle()
    stores.delete()
    stores.cycle()

    assert merge(stores.archive.points, stale[0]) == 0
    with pytest.raises(NotFound):
        stores.get()


def test_a_restore_keeps_the_newest_points_up_to_the_limit(real_redis, database):
    with stores_on(real_redis, database, resume_max_points=3) as stores:
        lose_five_points_and_save_one(stores)

    assert real_redis.zrange("recent:ann", 0, -1) == ["v3", "v4", "after"]


def lose_five_points_and_save_one(stores):
    for number in range(5):
        stores.pass_time(seconds=1)
        stores.save(f"v{number}")
    stores.cycle()
    stores.redis.flushall()
    stores.pass_time(seconds=1)
    stores.save("after")
    stores.archive.cycle()


def test_a_second_restore_changes_nothing(stores):
    stores.save(position=100, duration=100)
    stores.cycle()
    before = contents(stores.redis)
    progress = []

    restored = stores.archive.restore(lambda total: lambda points: progress.append((points, total)))

    assert restored == 0
    assert progress == [(1, 1)]
    assert are_equal_except_ttl(before, contents(stores.redis))


def test_an_empty_archive_restores_nothing_and_saves_are_archived(stores):
    stores.redis.flushall()
    stores.save()
    stores.archive.cycle()

    assert stores.row()["position"] == 10
    assert stores.entries() == NO_ENTRIES


def test_an_interrupted_restore_is_completed_before_the_next_flush(stores):
    for number in range(1500):
        stores.save(f"v{number}", user=f"user-{number % 5}")
    stores.cycle()
    stores.redis.flushall()
    stores.save("new")

    first = stores.archive.cycle(lambda: True)
    second = stores.archive.cycle()

    assert (first.restored, first.flushed.complete, first.flushed.archived) == (1000, False, 0)
    assert (second.restored, second.flushed.archived) == (500, 1)
