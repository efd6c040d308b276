"""What counts: a lesson that the user could complete now, or has completed."""

from __future__ import annotations

import pytest

from tests.support.course_builder import tally


def marked(answer):
    assert answer.status_code == 200, answer.text
    return tally(answer.get_json()["overall"])


def test_a_chain_opens_lesson_by_lesson(room, ann):
    first = room.lesson()
    second = room.lesson(requires=[first])
    third = room.lesson(requires=[second])

    assert ann.summary() == (0, 1, 0)
    assert ann.mark(third).status_code == 409
    assert marked(ann.mark(first)) == (1, 2, 50)
    assert ann.mark(third).status_code == 409
    assert marked(ann.mark(second)) == (2, 3, 66.67)
    assert marked(ann.mark(third)) == (3, 3, 100)


def test_a_diamond_opens_when_both_of_its_sides_are_done(room, ann):
    top = room.lesson()
    left, right = room.lesson(requires=[top]), room.lesson(requires=[top])
    bottom = room.lesson(requires=[left, right])

    assert marked(ann.mark(top)) == (1, 3, 33.33)
    assert marked(ann.mark(left)) == (2, 3, 66.67)
    assert ann.mark(bottom).status_code == 409
    assert marked(ann.mark(right)) == (3, 4, 75)
    assert marked(ann.mark(bottom)) == (4, 4, 100)


def test_unmarking_what_others_require_leaves_them_completed_and_counted(room, ann):
    first = room.lesson()
    second = room.lesson(requires=[first])
    third = room.lesson(requires=[second])
    ann.mark(first), ann.mark(second)

    assert marked(ann.unmark(first)) == (1, 3, 33.33)
    assert ann.completed_ids() == {str(second)}
    assert marked(ann.mark(second)) == (1, 3, 33.33), "what is completed is not locked"
    assert marked(ann.unmark(second)) == (0, 1, 0)
    assert ann.mark(second).status_code == 409
    assert ann.mark(third).status_code == 409


def test_a_lesson_completed_and_later_unpublished_counts_in_both_figures(room, ann):
    module = room.module()
    lesson, _ = room.lesson(module), room.lesson(module)
    ann.mark(lesson)
    room.change("lessons", lesson, published=False)

    assert ann.summary() == (1, 2, 50)
    assert tally(ann.module(module).get_json()) == (1, 2, 50)
    assert str(lesson) in {each["lessonId"] for each in ann.module(module).get_json()["lessons"]}
    assert ann.completed_ids() == {str(lesson)}


def test_an_unpublished_lesson_is_in_no_total_and_on_no_list(room, ann):
    module = room.module()
    shown, _ = room.lesson(module), room.lesson(module, published=False)

    assert ann.summary() == (0, 1, 0)
    listed = ann.module(module).get_json()["lessons"]
    assert [each["lessonId"] for each in listed] == [str(shown)]


def test_a_locked_lesson_is_on_the_checklist_and_not_in_the_total(room, ann):
    module = room.module()
    first = room.lesson(module, position=1)
    locked = room.lesson(module, position=2, requires=[first])
    checklist = ann.module(module).get_json()

    assert tally(checklist) == (0, 1, 0)
    assert [each["lessonId"] for each in checklist["lessons"]] == [str(first), str(locked)]


def test_a_prerequisite_that_is_not_published_still_locks(room, ann):
    hidden = room.lesson(published=False)
    locked = room.lesson(requires=[hidden])

    assert ann.mark(locked).get_json()["details"] == {"prerequisites": [str(hidden)]}


@pytest.mark.parametrize("what", ["lesson", "module"])
def test_a_free_lesson_and_a_free_modules_lessons_need_no_enrolment(room, what):
    module = room.module(free=what == "module")
    free = room.lesson(module, position=1, free=what == "lesson")
    room.lesson(module, position=2, free=what == "module")
    room.lesson()
    bob = room.learner("bob")
    counted = 2 if what == "module" else 1

    assert bob.summary() == (0, counted, 0)
    assert bob.mark(free).status_code == 200
    assert tally(bob.module(module).get_json()) == (1, counted, 100 / counted)
    assert len(bob.module(module).get_json()["lessons"]) == counted


@pytest.mark.parametrize(
    ("status", "ends_in", "expected"),
    [
        ("active", {}, 200), ("trialing", {}, 200), ("active", {"seconds": 1}, 200),
        ("active", {"seconds": -1}, 403), ("trialing", {"seconds": -1}, 403),
        ("active", {"microseconds": 1}, 200), ("active", {"microseconds": -1}, 403),
        ("past_due", {"days": 9}, 403), ("canceled", {}, 403), ("unpaid", {}, 403),
        ("incomplete", {}, 403), ("incomplete_expired", {}, 403), ("paused", {}, 403),
        ("something new", {}, 403),
    ],
)  # fmt: skip
def test_who_is_enrolled(room, status, ends_in, expected):
    room.enroll("ann", status, **ends_in)
    lesson = room.lesson()

    assert room.learner().mark(lesson).status_code == expected
    assert room.learner().summary()[1] == (expected == 200)


def test_one_of_several_enrolments_is_enough(room):
    room.enroll("ann", "canceled")
    room.enroll("ann", "active", seconds=-1)
    room.enroll("ann", "trialing", hours=1)
    room.enroll("bob", "active")

    assert room.learner().mark(room.lesson()).status_code == 200


def test_after_a_subscription_ended_a_second_ago_what_is_done_counts_and_nothing_else(room):
    room.enroll("ann", days=1)
    module = room.module()
    lesson, _ = room.lesson(module), room.lesson(module)
    free = room.lesson(free=True)
    ann = room.learner()
    ann.mark(lesson)
    assert ann.summary() == (1, 3, 33.33)

    room.pass_time(days=1, seconds=1)

    assert ann.summary() == (1, 2, 50)
    assert ann.mark(lesson).status_code == ann.unmark(lesson).status_code == 403
    assert ann.module(module).status_code == 404
    assert ann.completed_ids() == {str(lesson)}
    assert marked(ann.mark(free)) == (2, 2, 100)


def test_the_total_of_nothing_is_zero_percent(ann):
    assert ann.summary() == (0, 0, 0)


def test_a_module_is_404_when_it_is_not_there_or_holds_nothing_to_open(room, ann):
    empty, hidden = room.module(), room.module()
    room.lesson(hidden, published=False)

    for module in (empty, hidden, room.enroll("x")):
        answer = ann.module(module)
        assert (answer.status_code, answer.get_json()) == (404, {"error": "Module not found"})


def test_completed_lessons_are_listed_newest_first(room, ann):
    lessons = [room.lesson() for _ in range(3)]
    for lesson, day in zip(lessons, (3, 9, 5), strict=True):
        ann.mark(lesson, f"2026-10-0{day}T00:00:00Z")

    assert [each["lessonId"] for each in ann.completed()] == [str(lessons[n]) for n in (1, 2, 0)]


def test_lessons_come_in_their_modules_order(room, ann):
    module = room.module()
    placed = {position: str(room.lesson(module, position=position)) for position in (5, 1, 3, 2)}

    listed = [each["lessonId"] for each in ann.module(module).get_json()["lessons"]]

    assert listed == [placed[position] for position in sorted(placed)]
