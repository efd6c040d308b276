"""Redis and the archive merge what each of them knows of a point."""

from __future__ import annotations

from datetime import timedelta

import pytest

from resume_service.clock import iso
from resume_service.errors import NotFound
from resume_service.resume.model import EventType
from tests.support.archive_stores import MONTH, NO_ENTRIES, stores_on


def tombstones(stores):
    found = stores.sql.execute(
        "SELECT user_id, video_id FROM watch_archive_tombstones ORDER BY updated_at"
    )
    return [video for _, video in found.fetchall()]


def test_an_unwatched_mark_clears_the_flag_of_a_point_that_only_the_archive_has(stores):
    stores.save(position=100, duration=100)
    stores.cycle()
    stores.expire()
    stores.pass_time(days=MONTH.days + 1)
    stores.mark(EventType.UNWATCHED)
    stores.cycle()

    row = stores.row()
    assert (row["position"], row["watched"], row["watched_at"]) == (100, False, None)
    assert row["completed_at"] is not None


def test_a_mark_of_an_archived_point_brings_the_whole_point_back(stores):
    """The mark changes the point, so the point lives for another month."""
    stores.save(position=40, duration=100)
    stores.cycle()
    stores.expire()
    stores.pass_time(days=MONTH.days + 1)
    stores.mark(EventType.WATCHED)
    stores.cycle()

    point = stores.get()
    assert (point.position, point.duration, point.watched) == (40, 100, True)


def test_a_late_save_sets_watched_in_the_archive_but_not_the_position(stores):
    stores.save(position=10, duration=100)
    stores.cycle()
    stores.expire()
    hour_ago = stores.now[0] - timedelta(hours=1)
    stores.save(position=95, duration=100, measured_at=hour_ago)
    stores.cycle()

    row = stores.row()
    assert (row["position"], row["watched"], row["watched_at"]) == (10, True, iso(hour_ago))
    assert (stores.get().position, stores.get().watched) == (10, True)


def test_a_deletion_reaches_a_point_that_only_the_archive_has(stores):
    stores.save()
    stores.cycle()
    stores.expire()
    stores.pass_time(seconds=1)
    stores.delete()
    stores.cycle()

    assert stores.rows() == {}


def test_a_late_deletion_leaves_the_newer_point_that_only_the_archive_has(stores):
    stores.save(position=100, duration=100)
    stores.cycle()
    stores.expire()
    stores.mark(EventType.DELETE, age=timedelta(hours=1))
    stores.cycle()

    assert (stores.row()["position"], stores.row()["watched"]) == (100, True)


def test_a_deletion_after_the_loss_reaches_a_point_that_is_not_restored_yet(stores):
    stores.save()
    stores.cycle()
    stores.redis.flushall()
    stores.pass_time(seconds=1)
    stores.delete()
    stores.cycle()

    assert stores.rows() == {}
    with pytest.raises(NotFound):
        stores.get()


def test_a_save_from_before_a_deletion_stays_away_even_after_a_loss_of_redis(stores):
    stores.pass_time(minutes=1)
    stores.delete()
    stores.cycle()
    stores.redis.flushall()
    stores.save(measured_at=stores.now[0] - timedelta(seconds=30))
    stores.cycle()

    assert stores.rows() == {}
    with pytest.raises(NotFound):
        stores.get()


def test_a_restored_deletion_refuses_an_earlier_save_at_once(stores):
    stores.pass_time(minutes=1)
    stores.delete()
    stores.cycle()
    stores.redis.flushall()
    stores.cycle()
    stores.save(measured_at=stores.now[0] - timedelta(seconds=30))

    with pytest.raises(NotFound):
        stores.get()


def test_a_mark_without_a_point_waits_for_its_save_even_after_a_loss_of_redis(stores):
    stores.mark(EventType.DISMISSED)
    stores.cycle()
    assert stores.rows() == {}
    stores.redis.flushall()
    stores.cycle()
    stores.save(measured_at=stores.now[0] - timedelta(seconds=30))
    stores.cycle()

    assert stores.get().dismissed
    assert stores.row()["position"] == 10
    assert tombstones(stores) == []


def test_a_restore_adds_the_duration_of_the_archive_to_a_save_after_the_loss(stores):
    stores.save(position=10, duration=200)
    stores.cycle()
    stores.redis.flushall()
    stores.pass_time(seconds=1)
    stores.save(position=50)
    stores.cycle()

    assert (stores.get().position, stores.get().duration, stores.get().percent) == (50, 200, 25)
    assert stores.row()["percent"] == 25


def test_a_row_with_a_time_in_the_future_does_not_win_over_a_new_save(stores):
    """The clock of a server was ahead when it archived the row."""
    stores.save(position=10)
    stores.cycle()
    stores.sql.execute("UPDATE watch_archive SET updated_at = now() + interval '1 day'")
    stores.expire()
    stores.pass_time(seconds=1)
    stores.save(position=20)
    stores.cycle()

    assert (stores.row()["position"], stores.get().position) == (20, 20)


def test_a_restored_time_in_the_future_does_not_win_over_a_save_after_the_loss(stores):
    stores.save(position=10)
    stores.cycle()
    stores.sql.execute("UPDATE watch_archive SET updated_at = now() + interval '1 day'")
    stores.redis.flushall()
    stores.pass_time(seconds=1)
    stores.save(position=20)
    stores.cycle()

    assert (stores.row()["position"], stores.get().position) == (20, 20)


def test_the_archive_keeps_the_newest_deletions_of_a_user(real_redis, database):
    with stores_on(real_redis, database, resume_max_points=3) as stores:
        for number in range(5):
            stores.pass_time(seconds=1)
            stores.delete(f"v{number}")
        stores.delete("bobs", user="bob")
        stores.cycle()

        assert sorted(tombstones(stores)) == ["bobs", "v2", "v3", "v4"]


def test_an_expired_deletion_leaves_the_archive(stores):
    stores.delete("old")
    stores.delete("new")
    stores.cycle()
    stores.sql.execute(
        "UPDATE watch_archive_tombstones SET expires_at = now() WHERE video_id = 'old'"
    )
    stores.cycle()

    assert tombstones(stores) == ["new"]


def test_a_repeated_flush_does_not_extend_the_life_of_a_deletion(stores):
    stores.delete()
    stores.cycle()
    stores.sql.execute("UPDATE watch_archive_tombstones SET expires_at = '2100-01-01Z'")
    stores.pass_time(seconds=1)
    stores.save()
    stores.cycle()

    assert stores.sql.execute(
        "SELECT extract(year FROM expires_at) FROM watch_archive_tombstones"
    ).fetchone() == (2100,)


def test_a_row_with_an_invalid_state_is_merged_without_it(stores, logged):
    stores.save(position=10, duration=100)
    stores.cycle()
    stores.sql.execute("""UPDATE watch_archive SET state = '{"position": "x"}'""")
    stores.pass_time(seconds=1)
    stores.save(position=20, duration=100)
    stores.cycle()

    assert stores.row()["position"] == 20
    assert stores.entries() == NO_ENTRIES
    assert any("not a state" in line for line in logged)


def test_the_device_and_the_rate_of_a_point_survive_a_loss_of_redis(stores):
    stores.save("film", 10, device="Living room TV")
    stores.save("course", None, rate=85)
    stores.cycle()
    before = stores.redis.hgetall("resume:ann:film"), stores.redis.hgetall("resume:ann:course")
    stores.redis.flushall()
    stores.cycle()

    assert stores.get("film").device == "Living room TV"
    assert stores.get("course").percent == 85
    assert before == (
        stores.redis.hgetall("resume:ann:film"),
        stores.redis.hgetall("resume:ann:course"),
    )
