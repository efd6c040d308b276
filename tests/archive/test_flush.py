"""What a flush carries to the archive, and what it leaves alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from resume_service.archive.flush import Flush
from resume_service.clock import iso
from resume_service.errors import NotFound
from resume_service.resume.model import Measurement
from tests.support.archive_stores import MONTH, NO_ENTRIES
from tests.support.resume_stores import resume_store


def test_a_saved_point_is_archived_as_it_stands(stores):
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


def test_a_point_of_unknown_duration_is_archived_without_one(stores):
    stores.save(position=60)
    stores.cycle()

    row = stores.row()
    assert (row["position"], row["duration"], row["percent"], row["watched"]) == (
        60,
        None,
        None,
        False,
    )


def test_what_has_been_archived_is_not_archived_again(stores):
    stores.save()
    stores.cycle()

    assert stores.cycle().archived == 0


@pytest.mark.parametrize(
    "ids", [("a:b", "c"), ("a", "b:c"), ("100%", "%3A"), ("ünï", "видео"), ('q"u', "o'{,}\\")]
)
def test_ids_of_every_kind_are_archived_as_they_are(stores, ids):
    user, video = ids
    stores.save(video, user=user)
    stores.cycle()

    assert list(stores.rows()) == [ids]


def test_a_newer_point_overwrites_the_row_and_an_older_one_does_not(stores):
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


def test_a_deleted_point_loses_its_row(stores):
    stores.save()
    stores.cycle()
    stores.delete()

    assert stores.cycle().erased == 1
    assert stores.rows() == {}
    assert stores.entries() == NO_ENTRIES


def test_a_point_deleted_before_it_was_archived_leaves_nothing(stores):
    stores.save()
    stores.delete()
    stores.cycle()

    assert stores.rows() == {}


def test_a_point_deleted_and_saved_again_stays_and_remembers_nothing(stores):
    stores.save(position=100, duration=100)
    stores.cycle()
    stores.delete()
    stores.save(position=5, duration=100)
    stores.cycle()

    row = stores.row()
    assert (row["position"], row["watched"], row["watched_at"]) == (5, False, None)


def test_a_point_deleted_and_saved_again_while_a_flush_runs_remembers_nothing(stores, monkeypatch):
    """Between the marks of deletions and those of saves: the new life meets the old one's row."""
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


def test_a_point_that_expired_before_it_was_archived_leaves_no_mark(stores):
    stores.save()
    stores.expire()

    assert stores.cycle().archived == 0
    assert stores.entries() == NO_ENTRIES


def test_a_save_during_the_flush_in_the_same_millisecond_keeps_its_mark(stores, monkeypatch):
    """Its mark has the very time that the flushed one had: only the claim tells them apart."""
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


def test_more_points_than_a_batch_are_all_archived(stores):
    for number in range(2500):
        stores.save(f"v{number}", user=f"user-{number % 7}")

    assert stores.cycle().archived == 2500
    assert len(stores.rows()) == 2500
    assert stores.entries() == NO_ENTRIES


def test_a_flush_that_is_told_to_stop_does_so_between_batches_and_loses_nothing(stores):
    for number in range(1500):
        stores.save(f"v{number}", user=f"user-{number % 3}")
    asked = iter([False, True])

    flushed = stores.archive.cycle(lambda: next(asked)).flushed

    assert (flushed.archived, flushed.complete) == (1000, False)
    assert len(stores.entries()["dirty"]) == 500
    assert stores.cycle().archived == 500


def test_a_hash_that_is_no_point_holds_up_nothing(stores, logged):
    stores.save("good")
    stores.save("bad")
    stores.redis.hset("resume:ann:bad", "updatedAt", "yesterday-ish")
    stores.cycle()

    assert [video for _, video in stores.rows()] == ["good"]
    assert stores.entries() == NO_ENTRIES
    assert any("not a point" in line for line in logged)


def test_a_video_watched_months_ago_is_still_watched_everywhere_with_its_first_time(stores):
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


def test_what_the_archive_recalls_does_not_touch_a_point_saved_since(stores, monkeypatch):
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


def test_without_an_archive_no_mark_is_made(real_redis):
    points, now = resume_store(real_redis), datetime.now(UTC)
    points.save(Measurement(user_id="ann", video_id="v", position=1, measured_at=now))
    points.delete("ann", "v", now)

    assert list(real_redis.scan_iter("archive:*")) == []
