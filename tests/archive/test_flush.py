"""A flush copies changed points to the archive and erases deleted ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from resume_service.archive.flush import Flush
from resume_service.clock import epoch_ms, iso
from resume_service.errors import NotFound
from resume_service.resume.model import EventType, Mark, Measurement
from tests.support.archive_stores import MONTH, NO_ENTRIES
from tests.support.resume_stores import resume_store


def test_a_saved_point_is_archived_with_all_fields(stores):
    stores.save(position=60.5, duration=121)

    flushed = stores.cycle()

    assert (flushed.archived, flushed.erased, flushed.complete) == (1, 0, True)
    assert stores.row() == {
        "position": 60.5,
        "duration": 121,
        "percent": 50.0,
        "watched": False,
        "watched_at": None,
        "completed": False,
        "completed_at": None,
        "updated_at": iso(stores.now[0]),
    }
    assert stores.entries() == NO_ENTRIES


def test_a_point_without_duration_is_archived_without_percent(stores):
    stores.save(position=60)
    stores.cycle()

    row = stores.row()
    assert (row["position"], row["duration"], row["percent"], row["watched"]) == (
        60,
        None,
        None,
        False,
    )


def test_an_unchanged_point_is_not_archived_again(stores):
    stores.save()
    stores.cycle()

    assert stores.cycle().archived == 0


@pytest.mark.parametrize(
    "ids", [("a:b", "c"), ("a", "b:c"), ("100%", "%3A"), ("ünï", "видео"), ('q"u', "o'{,}\\")]
)
def test_ids_with_special_characters_are_archived_unchanged(stores, ids):
    user, video = ids
    stores.save(video, user=user)
    stores.cycle()

    assert list(stores.rows()) == [ids]


def test_only_a_newer_point_overwrites_the_row(stores):
    stores.save(position=10)
    stores.cycle()
    stores.pass_time(minutes=2)
    stores.save(position=20)
    stores.cycle()
    stores.expire()
    stores.save(position=5, measured_at=stores.now[0] - timedelta(minutes=1))
    stores.cycle()

    assert (stores.row()["position"], stores.row()["updated_at"]) == (20, iso(stores.now[0]))
    assert stores.entries() == NO_ENTRIES


def test_a_deleted_point_is_erased_from_the_archive(stores):
    stores.save()
    stores.cycle()
    stores.delete()

    assert stores.cycle().erased == 1
    assert stores.rows() == {}
    assert stores.entries() == NO_ENTRIES


def test_an_offline_event_of_20_days_ago_does_not_count_as_a_lag_of_20_days(stores):
    stores.mark(EventType.DELETE, age=timedelta(days=20))
    assert stores.archive.backlog.stats().oldest_ms is None
    stores.save("new", measured_at=stores.now[0] - timedelta(days=20))

    assert stores.archive.backlog.stats().oldest_ms == epoch_ms(stores.now[0])


def test_a_point_deleted_before_a_flush_is_not_archived(stores):
    stores.save()
    stores.delete()
    stores.cycle()

    assert stores.rows() == {}


def test_a_point_saved_after_its_deletion_is_archived_without_its_past(stores):
    stores.save(position=100, duration=100)
    stores.cycle()
    stores.delete()
    stores.pass_time(seconds=1)
    stores.save(position=5, duration=100)
    stores.cycle()

    row = stores.row()
    assert (row["position"], row["watched"], row["watched_at"]) == (5, False, None)


def test_a_deletion_and_save_during_a_flush_erase_the_past(stores, monkeypatch):
    """It happens after the flush has read the deletions, while the old row still exists."""
    stores.save(position=100, duration=100)
    stores.cycle()
    stores.save("other")
    claim = Flush.claim

    def delete_and_save_first(flush, place):
        monkeypatch.undo()
        stores.delete()
        stores.pass_time(seconds=1)
        stores.save(position=5, duration=100)
        return claim(flush, place)

    monkeypatch.setattr(Flush, "claim", delete_and_save_first)
    stores.cycle()
    stores.cycle()

    assert (stores.row()["position"], stores.row()["watched_at"]) == (5, None)
    assert stores.get().watched is False


def test_a_point_that_expired_before_a_flush_leaves_no_entry(stores):
    stores.save()
    stores.expire()

    assert stores.cycle().archived == 0
    assert stores.entries() == NO_ENTRIES


def test_a_save_in_the_millisecond_of_its_flush_keeps_its_entry(stores, monkeypatch):
    """Both entries have the same time. Only the claim distinguishes them."""
    stores.save(position=10)
    commit = Flush.commit

    def save_then_commit(flush):
        stores.save(position=20)
        commit(flush)

    monkeypatch.setattr(Flush, "commit", save_then_commit)
    stores.cycle()
    assert stores.row()["position"] == 10
    assert stores.entries()["dirty"] == ["ann:v"]
    monkeypatch.undo()
    stores.cycle()

    assert stores.row()["position"] == 20


def test_a_flush_archives_more_points_than_one_batch(stores):
    for number in range(2500):
        stores.save(f"v{number}", user=f"user-{number % 7}")

    assert stores.cycle().archived == 2500
    assert len(stores.rows()) == 2500
    assert stores.entries() == NO_ENTRIES


def test_a_stopped_flush_ends_between_batches_and_loses_nothing(stores):
    for number in range(1500):
        stores.save(f"v{number}", user=f"user-{number % 3}")
    should_stop = iter([False, True])

    flushed = stores.archive.cycle(lambda: next(should_stop)).flushed

    assert (flushed.archived, flushed.complete) == (1000, False)
    assert len(stores.entries()["dirty"]) == 500
    assert stores.cycle().archived == 500


def test_an_invalid_hash_does_not_block_other_points(stores, logged):
    stores.save("good")
    stores.save("bad")
    stores.redis.hset("resume:ann:bad", "updatedAt", "yesterday-ish")
    stores.cycle()

    assert [video for _, video in stores.rows()] == ["good"]
    assert stores.entries() == NO_ENTRIES
    assert any("not a point" in line for line in logged)


def test_a_video_watched_months_ago_keeps_watched_and_its_first_times(stores):
    stores.save(position=100, duration=100)
    first = stores.now[0]
    stores.cycle()
    stores.expire()
    with pytest.raises(NotFound):
        stores.get()
    stores.pass_time(days=MONTH.days + 60)
    stores.save(position=5, duration=100)

    stores.cycle()

    row = stores.row()
    assert (row["position"], row["percent"], row["completed"]) == (5, 5.0, False)
    assert (row["watched"], row["watched_at"], row["completed_at"]) == (
        True,
        iso(first),
        iso(first),
    )
    assert stores.get().watched
    assert stores.redis.hmget("resume:ann:v", "watchedAt", "completedAt") == [iso(first)] * 2
    stores.pass_time(hours=1)
    stores.save(position=99, duration=100)
    stores.cycle()
    assert stores.row()["watched_at"] == iso(first)


def test_first_times_from_the_archive_do_not_change_a_newer_point(stores, monkeypatch):
    stores.save(position=100, duration=100)
    stores.cycle()
    stores.expire()
    stores.save(position=5, duration=100)
    commit = Flush.commit

    def delete_and_save_after_the_commit(flush):
        commit(flush)
        monkeypatch.undo()
        stores.delete()
        stores.pass_time(seconds=1)
        stores.save(position=6, duration=100)

    monkeypatch.setattr(Flush, "commit", delete_and_save_after_the_commit)
    stores.cycle()
    stores.cycle()

    assert stores.get().watched is False
    assert (stores.row()["position"], stores.row()["watched"]) == (6, False)


def test_without_an_archive_no_entry_is_written(real_redis):
    points, now = resume_store(real_redis), datetime.now(UTC)
    points.save(Measurement(user_id="ann", video_id="v", position=1, arrived_ms=epoch_ms(now)))
    points.delete(Mark("ann", "v", epoch_ms(now), EventType.DELETE))

    assert list(real_redis.scan_iter("archive:*")) == []
