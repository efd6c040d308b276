"""Progress counts lessons that the user has completed or could complete now."""

from __future__ import annotations

import pytest

from resume_service.lessons.model import Progress
from tests.support.course_builder import counts


def overall_counts(answer):
    assert answer.status_code == 200, answer.text
    return counts(answer.get_json()["overall"])


def test_completing_a_lesson_unlocks_the_next_one_of_a_chain(course, ann):
    first = course.lesson()
    second = course.lesson(requires=[first])
    third = course.lesson(requires=[second])

    assert ann.summary() == (0, 1, 0)
    assert ann.mark(third).status_code == 409
    assert overall_counts(ann.mark(first)) == (1, 2, 50)
    assert ann.mark(third).status_code == 409
    assert overall_counts(ann.mark(second)) == (2, 3, 66.67)
    assert overall_counts(ann.mark(third)) == (3, 3, 100)


def test_a_lesson_with_two_prerequisites_unlocks_after_both(course, ann):
    top = course.lesson()
    left, right = course.lesson(requires=[top]), course.lesson(requires=[top])
    bottom = course.lesson(requires=[left, right])

    assert overall_counts(ann.mark(top)) == (1, 3, 33.33)
    assert overall_counts(ann.mark(left)) == (2, 3, 66.67)
    assert ann.mark(bottom).status_code == 409
    assert overall_counts(ann.mark(right)) == (3, 4, 75)
    assert overall_counts(ann.mark(bottom)) == (4, 4, 100)


def test_unmarking_a_prerequisite_keeps_completed_dependents_counted(course, ann):
    first = course.lesson()
    second = course.lesson(requires=[first])
    third = course.lesson(requires=[second])
    ann.mark(first), ann.mark(second)

    assert overall_counts(ann.unmark(first)) == (1, 3, 33.33)
    assert ann.completed_ids() == {str(second)}
    assert overall_counts(ann.mark(second)) == (1, 3, 33.33), "a completed lesson is not locked"
    assert overall_counts(ann.unmark(second)) == (0, 1, 0)
    assert ann.mark(second).status_code == 409
    assert ann.mark(third).status_code == 409


def test_a_completed_lesson_still_counts_after_it_is_unpublished(course, ann):
    module = course.module()
    lesson, _ = course.lesson(module), course.lesson(module)
    ann.mark(lesson)
    course.change("lessons", lesson, published=False)

    assert ann.summary() == (1, 2, 50)
    assert counts(ann.module(module).get_json()) == (1, 2, 50)
    assert str(lesson) in {each["lessonId"] for each in ann.module(module).get_json()["lessons"]}
    assert ann.completed_ids() == {str(lesson)}


def test_an_unpublished_lesson_is_neither_listed_nor_counted(course, ann):
    module = course.module()
    shown, _ = course.lesson(module), course.lesson(module, published=False)

    assert ann.summary() == (0, 1, 0)
    listed = ann.module(module).get_json()["lessons"]
    assert [each["lessonId"] for each in listed] == [str(shown)]


def test_a_locked_lesson_is_listed_but_not_counted(course, ann):
    module = course.module()
    first = course.lesson(module, position=1)
    locked = course.lesson(module, position=2, requires=[first])
    checklist = ann.module(module).get_json()

    assert counts(checklist) == (0, 1, 0)
    assert [each["lessonId"] for each in checklist["lessons"]] == [str(first), str(locked)]


def test_an_unpublished_prerequisite_still_locks_its_dependents(course, ann):
    hidden = course.lesson(published=False)
    locked = course.lesson(requires=[hidden])

    assert ann.mark(locked).get_json()["details"] == {"prerequisites": [str(hidden)]}


@pytest.mark.parametrize("free_row", ["lesson", "module"])
def test_free_lessons_and_free_modules_need_no_enrollment(course, free_row):
    module = course.module(free=free_row == "module")
    free = course.lesson(module, position=1, free=free_row == "lesson")
    course.lesson(module, position=2, free=free_row == "module")
    course.lesson()
    bob = course.learner("bob")
    counted = 2 if free_row == "module" else 1

    assert bob.summary() == (0, counted, 0)
    assert bob.mark(free).status_code == 200
    assert counts(bob.module(module).get_json()) == (1, counted, 100 / counted)
    assert len(bob.module(module).get_json()["lessons"]) == counted


@pytest.mark.parametrize(
    ("status", "ends_in", "expected"),
    [
        ("active", {}, 200), ("trialing", {}, 200), ("trialing", {"seconds": -1}, 403),
        ("active", {"microseconds": 1}, 200), ("active", {"microseconds": -1}, 403),
        ("past_due", {"days": 9}, 403), ("canceled", {}, 403), ("unpaid", {}, 403),
        ("incomplete", {}, 403), ("incomplete_expired", {}, 403), ("paused", {}, 403),
        ("something new", {}, 403),
    ],
)  # fmt: skip
def test_access_needs_an_active_status_and_a_current_period(course, status, ends_in, expected):
    course.enroll("ann", status, **ends_in)
    lesson = course.lesson()

    assert course.learner().mark(lesson).status_code == expected
    assert course.learner().summary()[1] == (expected == 200)


def test_one_active_enrollment_of_several_gives_access(course):
    course.enroll("ann", "canceled")
    course.enroll("ann", "active", seconds=-1)
    course.enroll("ann", "trialing", hours=1)
    course.enroll("bob", "active")

    assert course.learner().mark(course.lesson()).status_code == 200


def test_after_a_subscription_ends_only_completed_and_free_lessons_count(course):
    course.enroll("ann", days=1)
    module = course.module()
    lesson, _ = course.lesson(module), course.lesson(module)
    free = course.lesson(free=True)
    ann = course.learner()
    ann.mark(lesson)
    assert ann.summary() == (1, 3, 33.33)

    course.pass_time(days=1, seconds=1)

    assert ann.summary() == (1, 2, 50)
    assert ann.mark(lesson).status_code == ann.unmark(lesson).status_code == 403
    assert ann.module(module).status_code == 404
    assert ann.completed_ids() == {str(lesson)}
    assert overall_counts(ann.mark(free)) == (2, 2, 100)


@pytest.mark.parametrize(
    ("completed", "total", "percent"),
    [(24_999, 25_000, 99.99), (25_000, 25_000, 100), (9_999, 10_000, 99.99), (2, 3, 66.67)],
)
def test_percent_is_100_only_after_the_last_lesson(completed, total, percent):
    assert Progress(completed, total).percent == percent


def test_an_empty_course_is_zero_percent_complete(ann):
    assert ann.summary() == (0, 0, 0)


def test_a_module_without_visible_lessons_or_without_row_gives_404(course, ann):
    empty, hidden = course.module(), course.module()
    course.lesson(hidden, published=False)

    for module in (empty, hidden, course.enroll("x")):
        answer = ann.module(module)
        assert (answer.status_code, answer.get_json()) == (404, {"error": "Module not found"})


def test_completed_lessons_are_listed_newest_first(course, ann):
    lessons = [course.lesson() for _ in range(3)]
    for lesson, day in zip(lessons, (3, 9, 5), strict=True):
        ann.mark(lesson, f"2026-10-0{day}T00:00:00Z")

    assert [each["lessonId"] for each in ann.completed()] == [str(lessons[n]) for n in (1, 2, 0)]


def test_lessons_of_a_module_are_listed_by_position(course, ann):
    module = course.module()
    by_position = {
        position: str(course.lesson(module, position=position)) for position in (5, 1, 3, 2)
    }

    listed = [each["lessonId"] for each in ann.module(module).get_json()["lessons"]]

    assert listed == [by_position[position] for position in sorted(by_position)]
