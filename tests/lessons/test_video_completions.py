"""Who watches a lesson's video to its end has completed the lesson, as soon as it may."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy

from dev.service import ROOT
from resume_service.clock import iso
from resume_service.lessons import video_completion_queries
from resume_service.lessons import video_completions as bridge_module
from resume_service.lessons.video_completions import OVERLAP, VideoCompletions
from tests.support.archive_stores import stores_on
from tests.support.course_builder import NOON
from tests.support.load_clients import at_once
from tests.support.long_timeouts import long_timeout_database
from tests.support.recorded_sql import statements_of
from tests.support.tokens import SECRET, bearer

MORNING = NOON - timedelta(hours=4)


@pytest.fixture(scope="module")
def worker_database(database):
    with closing(long_timeout_database(database)) as made:
        yield made


@pytest.fixture
def bridge(worker_database, room):
    """Looks as the worker does after a flush."""
    return VideoCompletions(worker_database, lambda: room.now[0])


@pytest.fixture
def watched(room):
    """`watched(video, user, at)`: a flush that archives a viewing that reached the end at that time."""

    def archive(video="v", user="ann", at=MORNING):
        room.sql.execute(
            "INSERT INTO watch_archive AS kept (user_id, video_id, position, updated_at, watched,"
            " completed, completed_at) VALUES (%s, %s, 1, %s, true, true, %s)"
            " ON CONFLICT (user_id, video_id) DO UPDATE SET archived_at = now(),"
            " completed_at = least(kept.completed_at, excluded.completed_at)",
            (user, video, at or MORNING, at),
        )

    return archive


def forget_what_was_looked_at(room):
    """As if hours passed since the archive and everything else was written."""
    long_ago = "now() - interval '3 hours'"
    room.sql.execute(
        f"UPDATE watch_archive SET archived_at = {long_ago};"
        f"UPDATE lessons SET updated_at = {long_ago}; UPDATE modules SET updated_at = {long_ago};"
        f"UPDATE enrollments SET updated_at = {long_ago};"
        f"UPDATE lesson_progress SET created_at = {long_ago}"
    )


def looked(room, bridge):
    """All that has happened so far has been looked at, long ago."""
    bridge.run()
    forget_what_was_looked_at(room)


def test_a_viewing_to_the_end_completes_the_lesson_at_its_time(room, ann, bridge, watched):
    lesson = room.lesson(video_id="v")
    watched(at=MORNING + timedelta(milliseconds=250))

    assert bridge.run() == 1
    assert ann.completed() == [{"lessonId": str(lesson), "completedAt": "2026-11-20T08:00:00.250Z"}]
    assert ann.summary() == (1, 1, 100)


@pytest.mark.usefixtures("ann")
def test_looking_again_marks_nothing_again(room, bridge, watched):
    room.lesson(video_id="v")
    watched()

    assert [bridge.run() for _ in range(3)] == [1, 0, 0]
    assert len(room.progress()) == 1


def test_what_was_completed_by_hand_keeps_its_time(room, ann, bridge, watched):
    lesson = room.lesson(video_id="v")
    ann.mark(lesson)
    watched()

    assert bridge.run() == 0
    assert ann.completed()[0]["completedAt"] == iso(NOON)


@pytest.mark.parametrize("why", ["unpublished", "not enrolled", "ended", "locked", "not the end"])
def test_a_viewing_does_not_complete_what_its_user_may_not_complete(room, bridge, watched, why):
    required = room.lesson(published=False)
    room.lesson(
        video_id="v", published=why != "unpublished", requires=[required] * (why == "locked")
    )
    if why != "not enrolled":
        room.enroll("ann", **({"seconds": -1} if why == "ended" else {}))
    watched(at=None if why == "not the end" else MORNING)

    assert bridge.run() == 0
    assert room.progress() == []


def test_a_free_lesson_and_several_lessons_of_one_video_are_completed(room, bridge, watched):
    free = room.lesson(video_id="v", free=True)
    in_free_module = room.lesson(room.module(free=True), video_id="v")
    room.lesson(video_id="v")
    watched()

    assert bridge.run() == 2
    assert {lesson for _, lesson in room.progress()} == {str(free), str(in_free_module)}


def test_an_unmarking_by_hand_is_respected(room, ann, bridge, watched):
    lesson = room.lesson(video_id="v")
    watched()
    bridge.run()
    ann.unmark(lesson)
    watched()  # the player still reports from the end

    assert bridge.run() == 0
    assert ann.completed() == []


def test_an_unmarking_before_the_flush_is_respected_too(room, ann, bridge, watched):
    lesson = room.lesson(video_id="v")
    ann.unmark(lesson)
    watched(at=NOON - timedelta(seconds=30))

    assert bridge.run() == 0


def test_a_viewing_after_an_unmarking_completes_the_lesson(room, ann, bridge, watched):
    """The archive keeps the first time for good, but not beyond the deletion of the point."""
    lesson = room.lesson(video_id="v")
    watched()
    bridge.run()
    ann.unmark(lesson)
    room.sql.execute("DELETE FROM watch_archive")
    watched(at=NOON + timedelta(minutes=1))

    assert bridge.run() == 1
    assert room.progress() == [("ann", str(lesson))]


def test_marked_by_hand_after_an_unmarking_it_stays_marked(room, ann, bridge, watched):
    lesson = room.lesson(video_id="v")
    watched()
    bridge.run(), ann.unmark(lesson), ann.mark(lesson)

    assert bridge.run() == 0
    assert room.progress() == [("ann", str(lesson))]


@pytest.mark.usefixtures("ann")
def test_a_chain_is_completed_in_one_look_in_whatever_order_it_was_watched(room, bridge, watched):
    first = room.lesson(video_id="a")
    second = room.lesson(video_id="b", requires=[first])
    third = room.lesson(video_id="c", requires=[second])
    room.lesson(video_id="d", requires=[third, room.lesson()])
    for video in "dcba":
        watched(video)

    assert bridge.run() == 3
    assert {lesson for _, lesson in room.progress()} == {
        str(each) for each in (first, second, third)
    }


def test_a_viewing_of_long_ago_counts_when_its_prerequisites_are_met(room, ann, bridge, watched):
    by_hand = room.lesson()
    second = room.lesson(video_id="b", requires=[by_hand])
    third = room.lesson(video_id="c", requires=[second])
    watched("b"), watched("c")
    looked(room, bridge)
    assert bridge.run() == 0
    ann.mark(by_hand)

    assert bridge.run() == 2
    assert {str(second), str(third)} < ann.completed_ids()


CHANGES = {
    "enrolled": lambda room, *_: room.enroll("ann"),
    "enrolled again": lambda room, held, *_: room.change("enrollments", held, status="active"),
    "published": lambda room, _, lesson, __: room.change("lessons", lesson, published=True),
    "made free": lambda room, _, lesson, __: room.change("lessons", lesson, free=True),
    "module made free": lambda room, _, __, module: room.change("modules", module, free=True),
    "given a video": lambda room, _, lesson, __: room.change("lessons", lesson, video_id="v"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_viewing_of_long_ago_counts_when_what_was_in_its_way_is_gone(
    room, bridge, watched, change
):
    module = room.module()
    lesson = room.lesson(
        module,
        video_id=None if change == "given a video" else "v",
        published=change != "published",
    )
    room.lesson(video_id="another")
    held = room.enroll(
        "ann" if change in ("published", "given a video", "enrolled again") else "bob",
        "canceled" if change == "enrolled again" else "active",
    )
    watched()
    looked(room, bridge)
    assert bridge.run() == 0
    CHANGES[change](room, held, lesson, module)

    assert bridge.run() == 1
    assert room.progress() == [("ann", str(lesson))]


@pytest.mark.usefixtures("ann")
def test_a_viewing_counts_when_an_admin_takes_its_prerequisite_away(room, bridge, watched):
    required = room.lesson()
    lesson = room.lesson(video_id="v", requires=[required])
    watched()
    looked(room, bridge)
    room.http.delete(f"/v1/lessons/{required}", headers=bearer("root", role="admin"))

    assert bridge.run() == 1
    assert room.progress() == [("ann", str(lesson))]


def test_more_viewings_than_a_batch_are_completed_in_one_look(room, worker_database, watched):
    room.lesson(video_id="v", free=True)
    for number in range(25):
        watched(user=f"user{number}")

    assert VideoCompletions(worker_database, lambda: NOON, batch=4).run() == 25
    assert len(room.progress()) == 25


def test_what_a_look_leaves_the_next_one_finds(room, worker_database, watched, monkeypatch):
    monkeypatch.setattr(bridge_module, "MAX_BATCHES", 2)
    room.lesson(video_id="v", free=True)
    for number in range(10):
        watched(user=f"user{number}")
    bridge = VideoCompletions(worker_database, lambda: NOON, batch=3)
    done = []
    for _ in range(3):
        done.append(bridge.run())
        forget_what_was_looked_at(room)

    assert done == [6, 4, 0]


def test_without_a_lesson_that_names_a_video_a_look_is_one_statement(room, bridge, watched):
    room.lesson()
    watched()
    with statements_of(bridge._database) as executed:
        assert bridge.run() == 0

    assert len(executed) == 1


@pytest.mark.parametrize("at", range(1, 9))
@pytest.mark.usefixtures("ann")
def test_a_worker_that_dies_at_any_statement_loses_nothing_and_doubles_nothing(
    room, database, worker_database, watched, at
):
    first = room.lesson(video_id="a")
    second = room.lesson(video_id="b", requires=[first])
    watched("a"), watched("b")
    executed = []

    def die(*_):
        executed.append(1)
        if len(executed) == at:
            raise KeyboardInterrupt

    with closing(long_timeout_database(database)) as dying:
        sqlalchemy.event.listen(dying._engine, "after_cursor_execute", die)
        with pytest.raises(KeyboardInterrupt):
            VideoCompletions(dying, lambda: NOON).run()
    VideoCompletions(worker_database, lambda: NOON).run()

    assert {lesson for _, lesson in room.progress()} == {str(first), str(second)}


@pytest.mark.soak
def test_an_unmarking_that_races_the_look_always_wins(room, ann, worker_database, watched, effort):
    """Whichever comes first: what was unmarked after the viewing ended does not come back."""
    lesson = room.lesson(video_id="v")
    watched()

    def look_or_unmark(number):
        if number:
            client = room.http.application.test_client()
            return client.delete(f"/api/progress/lessons/{lesson}", headers=ann.headers)
        return VideoCompletions(worker_database, lambda: NOON).run()

    for _ in range(effort(6, 60)):
        room.sql.execute("DELETE FROM lesson_unmarked; DELETE FROM lesson_progress")
        _, answer = at_once(2, look_or_unmark)

        assert answer.status_code == 200
        assert room.progress() == []


@pytest.mark.usefixtures("ann")
def test_two_workers_at_once_complete_each_once(room, worker_database, watched):
    for number in range(20):
        room.lesson(video_id=f"v{number}")
        watched(f"v{number}")
    counts = at_once(2, lambda _: VideoCompletions(worker_database, lambda: NOON, batch=3).run())

    assert sum(counts) == len(room.progress()) == 20


def test_from_the_player_by_way_of_the_archive_to_the_checklist(room, ann, real_redis, database):
    """`flask flush` does what the worker does every minute."""
    lesson = room.lesson(video_id="603")
    with stores_on(real_redis, database) as stores:
        stores.save("603", 100, duration=100)
    port = real_redis.connection_pool.connection_kwargs["port"]
    flushed = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "flush"],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={
            "PATH": "/usr/bin:/bin", "JWT_SECRET": SECRET, "DATABASE_URL": database,
            "REDIS_URL": f"redis://127.0.0.1:{port}/0",
        },
    )  # fmt: skip

    assert flushed.returncode == 0, flushed.stderr
    assert flushed.stdout == "1 archived, 0 erased.\n1 lessons completed by viewings.\n"
    assert ann.completed_ids() == {str(lesson)}


def test_what_it_looks_for_is_found_by_indexes(room):
    """Of an archive that is full, a look reads what is new, and nothing it needn't."""
    lessons = [room.lesson(video_id=f"v{number}") for number in range(50)]
    viewings_of_all = (
        "INSERT INTO watch_archive (user_id, video_id, position, updated_at, watched, completed,"
        " completed_at, archived_at)"
        " SELECT 'u' || n / 100, 'v' || n %% 100, 1, at, true, true, at, at"
        " FROM generate_series(1, 20000) n, LATERAL (SELECT %s - n * interval '1 min') m(at)"
    )
    completions_of_all = (
        "INSERT INTO lesson_progress (user_id, lesson_id, completed_at)"
        " SELECT 'u' || n, unnest(%s::uuid[]), %s FROM generate_series(1, 200) n"
    )
    now = datetime.now(UTC)
    query = video_completion_queries.candidates(now - OVERLAP, now).compile(
        dialect=sqlalchemy.dialects.postgresql.dialect(), compile_kwargs={"literal_binds": True}
    )
    with room.sql.transaction(force_rollback=True):
        room.sql.execute(viewings_of_all, (NOON,))
        room.sql.execute(completions_of_all, (lessons, MORNING))
        forget_what_was_looked_at(room)
        room.sql.execute("UPDATE watch_archive SET archived_at = completed_at; ANALYZE")
        plan = "\n".join(line for (line,) in room.sql.execute("EXPLAIN " + str(query)))

    assert "watch_archive_completed" in plan
    for table in ("watch_archive", "lesson_progress"):
        assert f"Seq Scan on {table}" not in plan, plan
