"""Watching the video of an accessible lesson to the end completes the lesson."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy

from resume_service.clock import iso
from resume_service.lessons import video_completion_queries
from resume_service.lessons.video_completions import OVERLAP, VideoCompletions
from resume_service.postgres.database import Database
from tests.support.archive_stores import settings_of, stores_on
from tests.support.course_builder import NOON
from tests.support.load_clients import in_parallel
from tests.support.long_timeouts import app_without_openapi, long_timeout_database
from tests.support.recorded_sql import statements_of
from tests.support.tokens import bearer

MORNING = NOON - timedelta(hours=4)


@pytest.fixture(scope="module")
def worker_database(database):
    with closing(long_timeout_database(database)) as opened:
        yield opened


@pytest.fixture
def video_completions(worker_database, course):
    """The job that the worker runs after a flush."""
    return VideoCompletions(worker_database, lambda: course.now[0])


@pytest.fixture
def archive_viewing(course):
    """`archive_viewing(video, user, at)` archives a viewing that reached the end at that time."""

    def archive(video="v", user="ann", at=MORNING):
        course.sql.execute(
            "INSERT INTO watch_archive AS stored (user_id, video_id, position, updated_at, watched,"
            " completed, completed_at) VALUES (%s, %s, 1, %s, true, true, %s)"
            " ON CONFLICT (user_id, video_id) DO UPDATE SET archived_at = now(),"
            " completed_at = least(stored.completed_at, excluded.completed_at)",
            (user, video, at or MORNING, at),
        )

    return archive


def make_rows_old(course):
    """Make all rows so old that the next run does not read them as changes."""
    long_ago = "now() - interval '3 hours'"
    course.sql.execute(
        f"UPDATE watch_archive SET archived_at = {long_ago};"
        f"UPDATE lessons SET updated_at = {long_ago}; UPDATE modules SET updated_at = {long_ago};"
        f"UPDATE enrollments SET updated_at = {long_ago};"
        f"UPDATE lesson_progress SET created_at = {long_ago}"
    )


def run_long_ago(course, video_completions):
    """A run that has read all rows, hours before the next one."""
    video_completions.run()
    make_rows_old(course)


def test_watching_to_the_end_completes_the_lesson_at_that_time(
    course, ann, video_completions, archive_viewing
):
    lesson = course.lesson(video_id="v")
    archive_viewing(at=MORNING + timedelta(milliseconds=250))

    assert video_completions.run() == 1
    assert ann.completed() == [{"lessonId": str(lesson), "completedAt": "2026-11-20T08:00:00.250Z"}]
    assert ann.summary() == (1, 1, 100)


@pytest.mark.usefixtures("ann")
def test_a_repeated_run_completes_nothing_again(course, video_completions, archive_viewing):
    course.lesson(video_id="v")
    archive_viewing()

    assert [video_completions.run() for _ in range(3)] == [1, 0, 0]
    assert len(course.completions()) == 1


def test_a_manual_completion_keeps_its_time(course, ann, video_completions, archive_viewing):
    lesson = course.lesson(video_id="v")
    ann.mark(lesson)
    archive_viewing()

    assert video_completions.run() == 0
    assert ann.completed()[0]["completedAt"] == iso(NOON)


@pytest.mark.parametrize("why", ["unpublished", "not enrolled", "ended", "locked", "not the end"])
def test_inaccessible_or_unfinished_lessons_are_not_completed(
    course, video_completions, archive_viewing, why
):
    required = course.lesson(published=False)
    course.lesson(
        video_id="v", published=why != "unpublished", requires=[required] * (why == "locked")
    )
    if why != "not enrolled":
        course.enroll("ann", **({"seconds": -1} if why == "ended" else {}))
    archive_viewing(at=None if why == "not the end" else MORNING)

    assert video_completions.run() == 0
    assert course.completions() == []


def test_all_free_lessons_of_one_video_are_completed(course, video_completions, archive_viewing):
    free = course.lesson(video_id="v", free=True)
    in_free_module = course.lesson(course.module(free=True), video_id="v")
    course.lesson(video_id="v")
    archive_viewing()

    assert video_completions.run() == 2
    assert {lesson for _, lesson in course.completions()} == {str(free), str(in_free_module)}


def test_an_unmarked_lesson_is_not_completed_by_the_same_viewing(
    course, ann, video_completions, archive_viewing
):
    lesson = course.lesson(video_id="v")
    archive_viewing()
    video_completions.run()
    ann.unmark(lesson)
    archive_viewing()  # the player still reports from the end

    assert video_completions.run() == 0
    assert ann.completed() == []


def test_an_unmark_between_the_viewing_and_its_flush_wins(
    course, ann, video_completions, archive_viewing
):
    lesson = course.lesson(video_id="v")
    ann.unmark(lesson)
    archive_viewing(at=NOON - timedelta(seconds=30))

    assert video_completions.run() == 0


def test_a_new_viewing_after_an_unmark_completes_the_lesson(
    course, ann, video_completions, archive_viewing
):
    """The archive keeps the first time until the point is deleted."""
    lesson = course.lesson(video_id="v")
    archive_viewing()
    video_completions.run()
    ann.unmark(lesson)
    course.sql.execute("DELETE FROM watch_archive")
    archive_viewing(at=NOON + timedelta(minutes=1))

    assert video_completions.run() == 1
    assert course.completions() == [("ann", str(lesson))]


def test_a_lesson_marked_again_after_an_unmark_stays_marked(
    course, ann, video_completions, archive_viewing
):
    lesson = course.lesson(video_id="v")
    archive_viewing()
    video_completions.run(), ann.unmark(lesson), ann.mark(lesson)

    assert video_completions.run() == 0
    assert course.completions() == [("ann", str(lesson))]


@pytest.mark.usefixtures("ann")
def test_a_chain_watched_in_reverse_is_completed_in_one_run(
    course, video_completions, archive_viewing
):
    first = course.lesson(video_id="a")
    second = course.lesson(video_id="b", requires=[first])
    third = course.lesson(video_id="c", requires=[second])
    course.lesson(video_id="d", requires=[third, course.lesson()])
    for video in "dcba":
        archive_viewing(video)

    assert video_completions.run() == 3
    assert {lesson for _, lesson in course.completions()} == {
        str(each) for each in (first, second, third)
    }


def test_an_old_viewing_counts_when_its_prerequisites_are_completed(
    course, ann, video_completions, archive_viewing
):
    by_hand = course.lesson()
    second = course.lesson(video_id="b", requires=[by_hand])
    third = course.lesson(video_id="c", requires=[second])
    archive_viewing("b"), archive_viewing("c")
    run_long_ago(course, video_completions)
    assert video_completions.run() == 0
    ann.mark(by_hand)

    assert video_completions.run() == 2
    assert {str(second), str(third)} < ann.completed_ids()


CHANGES = {
    "enrolled": lambda course, *_: course.enroll("ann"),
    "enrolled again": lambda course, enrollment, *_: course.change(
        "enrollments", enrollment, status="active"
    ),
    "published": lambda course, _, lesson, __: course.change("lessons", lesson, published=True),
    "made free": lambda course, _, lesson, __: course.change("lessons", lesson, free=True),
    "module made free": lambda course, _, __, module: course.change("modules", module, free=True),
    "given a video": lambda course, _, lesson, __: course.change("lessons", lesson, video_id="v"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_old_viewing_counts_when_its_lesson_becomes_accessible(
    course, video_completions, archive_viewing, change
):
    module = course.module()
    lesson = course.lesson(
        module,
        video_id=None if change == "given a video" else "v",
        published=change != "published",
    )
    course.lesson(video_id="another")
    enrollment = course.enroll(
        "ann" if change in ("published", "given a video", "enrolled again") else "bob",
        "canceled" if change == "enrolled again" else "active",
    )
    archive_viewing()
    run_long_ago(course, video_completions)
    assert video_completions.run() == 0
    CHANGES[change](course, enrollment, lesson, module)

    assert video_completions.run() == 1
    assert course.completions() == [("ann", str(lesson))]


@pytest.mark.usefixtures("ann")
def test_an_old_viewing_counts_when_its_prerequisite_is_deleted(
    course, video_completions, archive_viewing
):
    required = course.lesson()
    lesson = course.lesson(video_id="v", requires=[required])
    archive_viewing()
    run_long_ago(course, video_completions)
    course.http.delete(f"/v1/lessons/{required}", headers=bearer("root", role="admin"))

    assert video_completions.run() == 1
    assert course.completions() == [("ann", str(lesson))]


def test_one_run_completes_several_batches(course, worker_database, archive_viewing):
    course.lesson(video_id="v", free=True)
    for number in range(25):
        archive_viewing(user=f"user{number}")

    assert VideoCompletions(worker_database, lambda: NOON, batch=4).run() == 25
    assert len(course.completions()) == 25


def test_the_next_run_completes_the_remaining_lessons(
    course, worker_database, archive_viewing, monkeypatch
):
    monkeypatch.setattr("resume_service.lessons.video_completions.MAX_BATCHES", 2)
    course.lesson(video_id="v", free=True)
    for number in range(10):
        archive_viewing(user=f"user{number}")
    video_completions = VideoCompletions(worker_database, lambda: NOON, batch=3)
    counts = []
    for _ in range(3):
        counts.append(video_completions.run())
        make_rows_old(course)

    assert counts == [6, 4, 0]


def test_without_a_lesson_with_a_video_a_run_is_one_statement(
    course, video_completions, archive_viewing
):
    course.lesson()
    archive_viewing()
    with statements_of(video_completions._database) as executed:
        assert video_completions.run() == 0

    assert len(executed) == 1


@pytest.mark.parametrize("at", range(1, 9))
@pytest.mark.usefixtures("ann")
def test_a_crash_at_any_statement_loses_and_duplicates_nothing(
    course, database, worker_database, archive_viewing, at
):
    first = course.lesson(video_id="a")
    second = course.lesson(video_id="b", requires=[first])
    archive_viewing("a"), archive_viewing("b")
    executed = []

    def crash(*_):
        executed.append(1)
        if len(executed) == at:
            raise KeyboardInterrupt

    with closing(long_timeout_database(database)) as crashing:
        sqlalchemy.event.listen(crashing._engine, "after_cursor_execute", crash)
        with pytest.raises(KeyboardInterrupt):
            VideoCompletions(crashing, lambda: NOON).run()
    VideoCompletions(worker_database, lambda: NOON).run()

    assert {lesson for _, lesson in course.completions()} == {str(first), str(second)}


@pytest.mark.soak
def test_an_unmark_wins_a_race_with_a_run(course, ann, worker_database, archive_viewing, effort):
    """The unmark is later than the viewing, so its order relative to the run must not matter."""
    lesson = course.lesson(video_id="v")
    archive_viewing()

    def run_or_unmark(number):
        if number:
            client = course.http.application.test_client()
            return client.delete(f"/api/progress/lessons/{lesson}", headers=ann.headers)
        return VideoCompletions(worker_database, lambda: NOON).run()

    for _ in range(effort(6, 60)):
        course.sql.execute("DELETE FROM lesson_unmarked; DELETE FROM lesson_progress")
        _, answer = in_parallel(2, run_or_unmark)

        assert answer.status_code == 200
        assert course.completions() == []


@pytest.mark.usefixtures("ann")
def test_two_concurrent_workers_complete_each_lesson_once(course, worker_database, archive_viewing):
    for number in range(20):
        course.lesson(video_id=f"v{number}")
        archive_viewing(f"v{number}")
    counts = in_parallel(
        2, lambda _: VideoCompletions(worker_database, lambda: NOON, batch=3).run()
    )

    assert sum(counts) == len(course.completions()) == 20


def test_flask_flush_completes_the_lesson_of_an_archived_viewing(course, ann, real_redis, database):
    lesson = course.lesson(video_id="603")
    with stores_on(real_redis, database) as stores:
        stores.save("603", 100, duration=100)
    app = app_without_openapi(settings_of(real_redis, database))
    with closing(app.extensions["resume_service"].get(Database)):
        flushed = app.test_cli_runner().invoke(args=["flush"])

    assert flushed.exit_code == 0, flushed.output
    assert flushed.stdout == "1 archived, 0 erased.\n1 lessons completed by viewings.\n"
    assert ann.completed_ids() == {str(lesson)}


@pytest.fixture
def served(real_redis, database):
    """The stores of an archive, and a client of a service that uses them."""
    with stores_on(real_redis, database) as stores:
        clock = lambda: stores.now[0]  # noqa: E731
        app = app_without_openapi(settings_of(real_redis, database), clock=clock)
        with closing(app.extensions["resume_service"].get(Database)):
            yield stores, app.test_client()


def mark(served, method="PUT", **span):
    """Mark the video `v` as watched, or remove the mark. Let some time pass first."""
    stores, http = served
    stores.pass_time(**span)
    path = "/api/progress/ann/v/watched"
    assert http.open(path, method=method, headers=bearer()).status_code in (204, 404)


def test_a_watched_mark_completes_the_lesson_at_that_time(course, ann, served, video_completions):
    lesson = course.lesson(video_id="v")
    mark(served)
    served[0].cycle()

    assert video_completions.run() == 1
    assert ann.completed() == [{"lessonId": str(lesson), "completedAt": iso(served[0].now[0])}]


@pytest.mark.usefixtures("ann")
@pytest.mark.parametrize("first", ["save", "mark"])
def test_a_watched_mark_counts_also_while_the_player_still_saves(
    course, served, video_completions, first
):
    course.lesson(video_id="v")
    stores, _ = served
    if first == "save":
        stores.save("v", 5, duration=100)
    mark(served, seconds=1)
    stores.pass_time(seconds=1)
    stores.save("v", 10, duration=100)
    stores.cycle()

    assert video_completions.run() == 1


@pytest.mark.usefixtures("ann")
def test_a_removed_watched_mark_completes_no_lesson(course, served, video_completions):
    course.lesson(video_id="v")
    mark(served)
    mark(served, "DELETE", seconds=1)
    served[0].cycle()

    assert video_completions.run() == 0


@pytest.mark.usefixtures("ann")
def test_a_watched_video_without_a_mark_or_its_end_completes_no_lesson(
    course, served, video_completions
):
    course.lesson(video_id="v")
    served[0].save("v", 95, duration=100)
    served[0].cycle()

    assert served[0].row()["watched"] is True
    assert video_completions.run() == 0


def test_a_watched_mark_after_an_unmark_completes_the_lesson_again(
    course, ann, served, video_completions
):
    """The viewer sets this mark by hand, so it is newer than the decision to unmark the lesson."""
    lesson = course.lesson(video_id="v")
    served[0].now[0] = NOON - timedelta(hours=2)
    mark(served)
    served[0].cycle()
    completed = [video_completions.run()]
    ann.unmark(lesson)  # at noon
    completed.append(video_completions.run())
    mark(served, hours=3)
    served[0].cycle()
    completed.append(video_completions.run())

    assert completed == [1, 0, 1]
    assert ann.completed()[0]["completedAt"] == iso(NOON + timedelta(hours=1))


def test_a_run_reads_a_large_archive_by_index(course):
    lessons = [course.lesson(video_id=f"v{number}") for number in range(50)]
    viewings = (
        "INSERT INTO watch_archive (user_id, video_id, position, updated_at, watched, completed,"
        " completed_at, archived_at)"
        " SELECT 'u' || n / 100, 'v' || n %% 100, 1, at, true, true, at, at"
        " FROM generate_series(1, 20000) n, LATERAL (SELECT %s - n * interval '1 min') m(at)"
    )
    completions = (
        "INSERT INTO lesson_progress (user_id, lesson_id, completed_at)"
        " SELECT 'u' || n, unnest(%s::uuid[]), %s FROM generate_series(1, 200) n"
    )
    now = datetime.now(UTC)
    query = video_completion_queries.candidates(now - OVERLAP, now).compile(
        dialect=sqlalchemy.dialects.postgresql.dialect(), compile_kwargs={"literal_binds": True}
    )
    with course.sql.transaction(force_rollback=True):
        course.sql.execute(viewings, (NOON,))
        course.sql.execute(completions, (lessons, MORNING))
        make_rows_old(course)
        course.sql.execute("UPDATE watch_archive SET archived_at = completed_at; ANALYZE")
        plan = "\n".join(line for (line,) in course.sql.execute("EXPLAIN " + str(query)))

    assert "watch_archive_completed" in plan
    assert "watch_archive_marked" in plan
    for table in ("watch_archive", "lesson_progress"):
        assert f"Seq Scan on {table}" not in plan, plan
