"""Which events a stream must send, and when."""

from __future__ import annotations

from resume_service.live.changes import Changes
from resume_service.live.limits import WAITING_VIDEOS


def test_a_change_is_due_at_once():
    changes = Changes()

    assert changes.add("v1", 10.0)
    assert changes.take(10.0) == ["v1"]
    assert changes.is_empty


def test_several_changes_of_a_video_become_one_event():
    changes = Changes()
    changes.add("v1", 10.0)

    assert not changes.add("v1", 10.1)
    assert changes.take(10.2) == ["v1"]
    assert changes.is_empty


def test_a_video_has_at_most_one_event_a_second():
    changes = Changes()
    changes.add("v1", 10.0)
    changes.take(10.0)
    changes.add("v1", 10.2)

    assert changes.take(10.9) == []
    assert changes.take(11.0) == ["v1"]


def test_a_video_does_not_wait_for_another_one():
    changes = Changes()
    changes.add("v1", 10.0)
    changes.take(10.0)
    changes.add("v1", 10.2)
    changes.add("v2", 10.2)

    assert changes.take(10.2) == ["v2"]


def test_too_many_waiting_videos_become_one_event_with_all_points():
    changes = Changes()
    for number in range(WAITING_VIDEOS + 1):
        changes.add(f"v{number}", 10.0)

    assert changes.points_at == 10.0
    assert changes.take(20.0) == []


def test_all_points_contain_the_changes_before_their_read_but_not_later_ones():
    changes = Changes()
    changes.want_points(10.0)

    assert not changes.add("v1", 10.0)
    changes.take_points(10.0)
    assert changes.is_empty
    assert changes.add("v1", 10.0)


def test_all_points_are_sent_at_most_once_a_second():
    changes = Changes()
    changes.want_points(10.0)
    changes.take_points(10.0)
    changes.want_points(10.5)

    assert changes.points_at == 11.0


def test_the_memory_is_limited_however_many_videos_change():
    changes = Changes()
    for number in range(10_000):
        changes.add(f"v{number}", 10 + number / 100)
        changes.take(10 + number / 100)

    assert len(changes._sent) <= 102
