"""The main requirements of lesson progress, through the API."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.support.course_builder import counts
from tests.support.tokens import bearer


def test_a_completion_is_stored_per_user_with_its_utc_time(course, ann):
    lesson = course.lesson()
    ann.mark(lesson, "2026-11-20T12:00:00.5+01:00")

    [(user, completed_lesson, at)] = course.sql.execute(
        "SELECT user_id, lesson_id, completed_at FROM lesson_progress"
    ).fetchall()
    assert (user, completed_lesson) == ("ann", lesson)
    assert at == datetime(2026, 11, 20, 11, 0, 0, 500_000, tzinfo=UTC)
    assert ann.completed()[0]["completedAt"] == "2026-11-20T11:00:00.500Z"


def test_repeated_marks_and_unmarks_are_idempotent(course, ann):
    lesson = course.lesson()
    marks = [ann.mark(lesson) for _ in range(3)]
    assert course.completions() == [("ann", str(lesson))]
    unmarks = [ann.unmark(lesson) for _ in range(3)]

    assert course.completions() == []
    assert len({answer.text for answer in marks}) == len({answer.text for answer in unmarks}) == 1


def test_progress_needs_a_token_and_an_enrollment(course, ann):
    module = course.module()
    lesson = course.lesson(module)
    ann.mark(lesson)
    bob = course.learner("bob")

    assert course.http.post(f"/api/progress/lessons/{lesson}").status_code == 401
    assert bob.mark(lesson).status_code == bob.unmark(lesson).status_code == 403
    assert bob.module(module).status_code == 404
    assert bob.completed() == []
    assert bob.summary() == (0, 0, 0)


def test_marking_and_unmarking_return_the_updated_progress(course, ann):
    module = course.module()
    lesson, _ = course.lesson(module), course.lesson(module)
    course.lesson()

    marked, unmarked = ann.mark(lesson).get_json(), ann.unmark(lesson).get_json()

    assert (counts(marked["module"]), counts(marked["overall"])) == ((1, 2, 50), (1, 3, 33.33))
    assert (counts(unmarked["module"]), counts(unmarked["overall"])) == ((0, 2, 0), (0, 3, 0))


def test_completed_lessons_module_and_summary_can_be_read(course, ann):
    module = course.module()
    lesson, other = course.lesson(module, position=2), course.lesson(module, position=1)
    ann.mark(lesson)

    done = {"lessonId": str(lesson), "completedAt": "2026-11-20T12:00:00.000Z"}
    assert ann.completed() == [done]
    assert ann.module(module).get_json() == {
        "moduleId": str(module),
        "percent": 50,
        "completedCount": 1,
        "totalCount": 2,
        "lessons": [
            {"lessonId": str(other), "completed": False, "completedAt": None},
            {"completed": True} | done,
        ],
    }
    assert ann.summary() == (1, 2, 50)


def test_completion_times_come_from_the_server_by_default(course, ann):
    course.now[0] = datetime(2026, 11, 20, 9, 30, 15, 123_999, tzinfo=UTC)

    assert ann.mark(course.lesson()).get_json()["completedAt"] == "2026-11-20T09:30:15.123Z"


def test_course_checklists_and_summary_show_the_same_progress(course, ann):
    """These are the requests of the dashboard."""
    first, second = course.module(position=1), course.module(position=2)
    done, open_one = course.lesson(first), course.lesson(second)
    ann.mark(done)

    modules = course.http.get("/v1/course", headers=ann.headers).get_json()["modules"]
    checklists = [ann.module(module["id"]).get_json() for module in modules]

    assert [module["id"] for module in modules] == [str(first), str(second)]
    ticked = [
        (each["lessonId"], each["completed"]) for lists in checklists for each in lists["lessons"]
    ]
    assert ticked == [(str(done), True), (str(open_one), False)]
    assert ann.summary() == (1, 2, 50)


def test_an_idempotency_key_is_echoed(course, ann):
    ann.headers |= {"Idempotency-Key": "5f1c"}

    assert ann.mark(course.lesson()).headers["Idempotency-Key"] == "5f1c"


def test_a_repeated_mark_keeps_the_first_time(course, ann):
    lesson = course.lesson()
    first = ann.mark(lesson).get_json()
    course.pass_time(hours=5)
    again = ann.mark(lesson, "2026-01-01T00:00:00Z").get_json()

    assert again == first
    assert first["completedAt"] == "2026-11-20T12:00:00.000Z"


def test_reads_show_a_change_at_once(course, ann):
    module = course.module()
    lesson = course.lesson(module)
    for change, expected in ((ann.mark, (1, 1, 100)), (ann.unmark, (0, 1, 0))) * 2:
        answer = change(lesson).get_json()
        assert counts(answer["overall"]) == ann.summary() == expected
        assert counts(answer["module"]) == counts(ann.module(module).get_json()) == expected


def test_percentages_have_two_decimals(course, ann):
    module = course.module()
    lessons = [course.lesson(module, position=n) for n in range(7)]
    seen = [ann.mark(lesson).get_json()["module"]["percent"] for lesson in lessons]

    assert seen == [14.29, 28.57, 42.86, 57.14, 71.43, 85.71, 100]


def test_errors_have_their_status_and_message(course, ann):
    answer = ann.mark(course.lesson(published=False))
    stranger = course.http.post("/api/progress/lessons/x", headers={})

    assert (answer.status_code, answer.get_json()) == (400, {"error": "Lesson is not published"})
    assert (stranger.status_code, stranger.get_json()) == (
        401,
        {"error": "Missing or invalid token"},
    )
    assert course.learner("bob").mark(course.lesson()).get_json() == {"error": "Not enrolled"}


def test_responses_contain_no_data_of_other_users(course, ann):
    lesson = course.lesson(free=True)
    course.learner("bob").mark(lesson)

    assert ann.completed() == []
    assert ann.summary() == (0, 1, 0)
    assert ann.unmark(lesson).status_code == 200
    assert course.completions() == [("bob", str(lesson))]
    as_service = course.http.get("/api/progress/lessons", headers=bearer("x", role="service"))
    assert as_service.get_json() == {"lessons": []}
