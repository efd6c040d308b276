"""What was asked for, item by item, in the words in which it was asked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.support.course_builder import tally
from tests.support.tokens import bearer

# -- Requirements ---------------------------------------------------------------------------------


def test_requirement_persist_lesson_completion_per_user_with_utc_timestamp(room, ann):
    lesson = room.lesson()
    ann.mark(lesson, "2026-11-20T12:00:00.5+01:00")

    [(user, its, at)] = room.sql.execute(
        "SELECT user_id, lesson_id, completed_at FROM lesson_progress"
    ).fetchall()
    assert (user, its) == ("ann", lesson)
    assert at == datetime(2026, 11, 20, 11, 0, 0, 500_000, tzinfo=UTC)
    assert ann.completed()[0]["completedAt"] == "2026-11-20T11:00:00.500Z"


def test_requirement_idempotent_mark_and_unmark_actions_safe_to_repeat(room, ann):
    lesson = room.lesson()
    marks = [ann.mark(lesson) for _ in range(3)]
    assert room.progress() == [("ann", str(lesson))]
    unmarks = [ann.unmark(lesson) for _ in range(3)]

    assert room.progress() == []
    assert len({answer.text for answer in marks}) == len({answer.text for answer in unmarks}) == 1


def test_requirement_only_authenticated_enrolled_users_can_modify_and_view_their_own(room, ann):
    module = room.module()
    lesson = room.lesson(module)
    ann.mark(lesson)
    bob = room.learner("bob")

    assert room.http.post(f"/api/progress/lessons/{lesson}").status_code == 401
    assert bob.mark(lesson).status_code == bob.unmark(lesson).status_code == 403
    assert bob.module(module).status_code == 404
    assert bob.completed() == []
    assert bob.summary() == (0, 0, 0)


def test_requirement_module_progress_is_completed_over_total_lessons_in_module(room, ann):
    module = room.module()
    lessons = [room.lesson(module, position=n) for n in range(3)]
    room.lesson()
    ann.mark(lessons[1])

    assert tally(ann.module(module).get_json()) == (1, 3, 33.33)


def test_requirement_overall_progress_is_completed_over_total_accessible_lessons(room, ann):
    first, _ = room.lesson(), room.lesson()
    ann.mark(first)
    room.lesson(published=False)

    assert ann.summary() == (1, 2, 50)


def test_requirement_immediate_response_includes_updated_aggregates(room, ann):
    module = room.module()
    lesson, _ = room.lesson(module), room.lesson(module)
    room.lesson()

    marked, unmarked = ann.mark(lesson).get_json(), ann.unmark(lesson).get_json()

    assert (tally(marked["module"]), tally(marked["overall"])) == ((1, 2, 50), (1, 3, 33.33))
    assert (tally(unmarked["module"]), tally(unmarked["overall"])) == ((0, 2, 0), (0, 3, 0))


def test_requirement_read_endpoints_for_set_module_detail_and_summary(room, ann):
    module = room.module()
    lesson, other = room.lesson(module, position=2), room.lesson(module, position=1)
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


def test_requirement_unpublished_and_locked_lessons_cannot_be_marked_and_do_not_count(room, ann):
    open_one, hidden = room.lesson(), room.lesson(published=False)
    locked = room.lesson(requires=[open_one])

    assert ann.mark(hidden).status_code == 400
    assert ann.mark(locked).status_code == 409
    assert ann.summary() == (0, 1, 0)


def test_requirement_timestamps_are_iso_8601_utc_server_generated_by_default(room, ann):
    room.now[0] = datetime(2026, 11, 20, 9, 30, 15, 123_999, tzinfo=UTC)

    assert ann.mark(room.lesson()).get_json()["completedAt"] == "2026-11-20T09:30:15.123Z"


# -- User stories ---------------------------------------------------------------------------------


def test_story_i_can_mark_a_lesson_and_see_module_and_overall_progress_update(room, ann):
    module = room.module()
    lesson, _ = room.lesson(module), room.lesson()
    answer = ann.mark(lesson).get_json()

    assert answer["completed"] is True
    assert answer["module"] == {
        "moduleId": str(module),
        "percent": 100,
        "completedCount": 1,
        "totalCount": 1,
    }
    assert answer["overall"] == {"percent": 50, "completedCount": 1, "totalCount": 2}


def test_story_i_can_unmark_a_lesson_and_see_progress_recalculate(room, ann):
    lesson = room.lesson()
    ann.mark(lesson)
    answer = ann.unmark(lesson).get_json()

    assert (answer["completed"], answer["completedAt"]) == (False, None)
    assert tally(answer["module"]) == tally(answer["overall"]) == (0, 1, 0)


def test_story_i_can_view_my_checklist_per_module_and_overall_completion(room, ann):
    """As the dashboard does it: the course, each module's checklist, the summary."""
    first, second = room.module(position=1), room.module(position=2)
    done, open_one = room.lesson(first), room.lesson(second)
    ann.mark(done)

    course = room.http.get("/v1/course", headers=ann.headers).get_json()["modules"]
    checklists = [ann.module(module["id"]).get_json() for module in course]

    assert [module["id"] for module in course] == [str(first), str(second)]
    ticked = [
        (each["lessonId"], each["completed"]) for lists in checklists for each in lists["lessons"]
    ]
    assert ticked == [(str(done), True), (str(open_one), False)]
    assert ann.summary() == (1, 2, 50)


# -- Success criteria -----------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["abc", "5f1c"])
def test_an_idempotency_key_is_echoed(room, ann, key):
    ann.headers |= {"Idempotency-Key": key}

    assert ann.mark(room.lesson()).headers["Idempotency-Key"] == key


def test_criterion_idempotent_behaviour_verified_via_repeated_requests(room, ann):
    lesson = room.lesson()
    first = ann.mark(lesson).get_json()
    room.pass_time(hours=5)
    again = ann.mark(lesson, "2026-01-01T00:00:00Z").get_json()

    assert again == first
    assert first["completedAt"] == "2026-11-20T12:00:00.000Z"


def test_criterion_reads_reflect_changes_immediately(room, ann):
    module = room.module()
    lesson = room.lesson(module)
    for act, expected in ((ann.mark, (1, 1, 100)), (ann.unmark, (0, 1, 0))) * 2:
        answer = act(lesson).get_json()
        assert tally(answer["overall"]) == ann.summary() == expected
        assert tally(answer["module"]) == tally(ann.module(module).get_json()) == expected


def test_criterion_aggregations_match_percentages_to_two_decimals(room, ann):
    module = room.module()
    lessons = [room.lesson(module, position=n) for n in range(7)]
    seen = [ann.mark(lesson).get_json()["module"]["percent"] for lesson in lessons]

    assert seen == [14.29, 28.57, 42.86, 57.14, 71.43, 85.71, 100]


def test_criterion_errors_have_their_status_and_message(room, ann):
    answer = ann.mark(room.lesson(published=False))
    stranger = room.http.post("/api/progress/lessons/x", headers={})

    assert (answer.status_code, answer.get_json()) == (400, {"error": "Lesson is not published"})
    assert (stranger.status_code, stranger.get_json()) == (
        401,
        {"error": "Missing or invalid token"},
    )
    assert room.learner("bob").mark(room.lesson()).get_json() == {"error": "Not enrolled"}


def test_no_answer_holds_another_users_data(room, ann):
    lesson = room.lesson(free=True)
    room.learner("bob").mark(lesson)

    assert ann.completed() == []
    assert ann.summary() == (0, 1, 0)
    assert ann.unmark(lesson).status_code == 200
    assert room.progress() == [("bob", str(lesson))]
    as_service = room.http.get("/api/progress/lessons", headers=bearer("x", role="service"))
    assert as_service.get_json() == {"lessons": []}
