"""What is wrong with a request is told in the contract's order: the first that holds."""

from __future__ import annotations

from uuid import uuid4

import pytest

from resume_service.lessons.routes import completions
from tests.support.course_builder import NOON, Learner, details_of

FAULTS = ["id", "body", "missing", "unpublished", "not enrolled", "locked", "limit"]
"""In the order in which they are told."""
STATUSES = {
    "id": 400, "body": 400, "missing": 404, "unpublished": 400, "not enrolled": 403,
    "locked": 409, "limit": 429,
}  # fmt: skip
SAYS = {
    "id": "lessonId", "body": "completedAt", "missing": "Lesson not found",
    "unpublished": "not published", "not enrolled": "Not enrolled", "locked": "prerequisites",
    "limit": "Too many",
}  # fmt: skip


@pytest.fixture
def more_settings():
    return {"lesson_writes_per_minute": 1}


def told(room, faults):
    """The answer to a request in which just these things are wrong."""
    user = str(uuid4())
    module = room.module()
    required = room.lesson(module, published=False)
    lesson = room.lesson(
        module, published="unpublished" not in faults, requires=[required] * ("locked" in faults)
    )
    learner = Learner(room.http, user)
    if "limit" in faults:
        passed = room.enroll(user)
        assert learner.mark(room.lesson()).status_code == 200
        room.sql.execute("DELETE FROM enrollments WHERE id = %s", [passed])
    if "not enrolled" not in faults:
        room.enroll(user)
    target = uuid4() if "missing" in faults else lesson
    target = str(target).replace("-", "") if "id" in faults else target
    return learner.mark(target, "2026-11-20T12:00:00" if "body" in faults else None)


# From each fault on, all that come after it are wrong as well.
@pytest.mark.parametrize("first", FAULTS)
def test_the_first_fault_is_told_whatever_else_is_wrong(room, first):
    every = FAULTS[FAULTS.index(first) :]

    alone, among_others = told(room, [first]), told(room, every)

    assert alone.status_code == among_others.status_code == STATUSES[first]
    assert SAYS[first] in alone.text
    assert SAYS[first] in among_others.text


def test_a_request_without_fault_is_answered(room):
    assert told(room, []).status_code == 200


def test_a_locked_lesson_names_what_is_missing_in_the_courses_order(room, ann):
    first, second = room.module(position=1), room.module(position=2)
    last, done = room.lesson(second, position=1), room.lesson(second, position=2)
    early, late = room.lesson(first, position=1), room.lesson(first, position=2)
    locked = room.lesson(second, position=3, requires=[last, late, early, done])
    room.sql.execute(
        "INSERT INTO lesson_progress (user_id, lesson_id, completed_at) VALUES ('ann', %s, %s)",
        (done, NOON),
    )

    missing = details_of(ann.mark(locked), 409)["prerequisites"]

    assert missing == [str(early), str(late), str(last)]


NO_UUID4 = [
    "1", "x", "00000000-0000-0000-0000-000000000000", "6f1a2c3d-4b5e-1f60-8a7b-9c0d1e2f3a40",
    "6f1a2c3d-4b5e-4f60-7a7b-9c0d1e2f3a40", "6f1a2c3d4b5e4f608a7b9c0d1e2f3a40",
    "{6f1a2c3d-4b5e-4f60-8a7b-9c0d1e2f3a40}", "6f1a2c3d-4b5e-4f60-8a7b-9c0d1e2f3a40%0A",
    "6f1a2c3d-4b5e-4f60-8a7b-9c0d1e2f3a4%D9%A1", "6f1a2c3d-4b5e-4f60-8a7b-9c0d1e2f3a400",
]  # fmt: skip


@pytest.mark.parametrize("ask", [Learner.mark, Learner.unmark, Learner.module])
def test_an_id_in_any_other_writing_than_a_uuid4_is_a_400(client, ask):
    for no_uuid4 in NO_UUID4:
        [fault] = details_of(ask(Learner(client), no_uuid4), 400).values()
        assert fault == ["Must be a UUID of version 4."], no_uuid4


def test_an_id_in_capitals_is_the_same_lesson(room):
    lesson = room.lesson(free=True)

    assert room.learner().mark(str(lesson).upper()).get_json()["lessonId"] == str(lesson)


def test_a_refused_request_costs_no_turn(room):
    """A player that asks for what it can't have must not be kept from what it can."""
    lesson, hidden = room.lesson(free=True), room.lesson(published=False)
    ann = room.learner()
    for _ in range(3):
        assert ann.mark(hidden).status_code == 400

    assert ann.mark(lesson).status_code == 200
    assert ann.mark(lesson).status_code == 429


@pytest.mark.parametrize("fault", ["unpublished", "not enrolled"])
def test_unmarking_is_checked_as_marking(room, fault):
    lesson = room.lesson(published=fault != "unpublished")
    if fault != "not enrolled":
        room.enroll()

    assert room.learner().unmark(lesson).status_code == STATUSES[fault]
    assert room.learner().unmark(uuid4()).status_code == 404


def test_unmarking_needs_no_prerequisites(room):
    locked = room.lesson(free=True, requires=[room.lesson(published=False)])

    assert room.learner().unmark(locked).status_code == 200


def test_the_limit_is_the_setting_of_the_same_name(client):
    with client.application.app_context():
        limit = completions._write_limit()

    assert (limit.quota, limit.seconds) == (1, 60)
