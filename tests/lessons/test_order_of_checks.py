"""A request with several faults gets the error of the first check in the contract."""

from __future__ import annotations

from uuid import uuid4

import pytest

from resume_service.lessons.routes import completions
from tests.support.course_builder import NOON, Learner, details_of

FAULTS = ["id", "body", "missing", "unpublished", "not enrolled", "locked", "limit"]
"""In the order of the checks."""
STATUSES = {
    "id": 400, "body": 400, "missing": 404, "unpublished": 400, "not enrolled": 403,
    "locked": 409, "limit": 429,
}  # fmt: skip
MESSAGES = {
    "id": "lessonId", "body": "completedAt", "missing": "Lesson not found",
    "unpublished": "not published", "not enrolled": "Not enrolled", "locked": "prerequisites",
    "limit": "Too many",
}  # fmt: skip


@pytest.fixture
def more_settings():
    return {"lesson_writes_per_minute": 1}


def response_with(course, faults):
    """The response to a request that has exactly these faults."""
    user = str(uuid4())
    module = course.module()
    required = course.lesson(module, published=False)
    lesson = course.lesson(
        module, published="unpublished" not in faults, requires=[required] * ("locked" in faults)
    )
    learner = Learner(course.http, user)
    if "limit" in faults:
        enrollment = course.enroll(user)
        assert learner.mark(course.lesson()).status_code == 200
        course.sql.execute("DELETE FROM enrollments WHERE id = %s", [enrollment])
    if "not enrolled" not in faults:
        course.enroll(user)
    target = uuid4() if "missing" in faults else lesson
    target = str(target).replace("-", "") if "id" in faults else target
    return learner.mark(target, "2026-11-20T12:00:00" if "body" in faults else None)


@pytest.mark.parametrize("first", FAULTS)
def test_the_first_of_several_faults_is_reported(course, first):
    first_and_later = FAULTS[FAULTS.index(first) :]

    single = response_with(course, [first])
    several = response_with(course, first_and_later)

    assert single.status_code == several.status_code == STATUSES[first]
    assert MESSAGES[first] in single.text
    assert MESSAGES[first] in several.text


def test_a_request_without_faults_gets_200(course):
    assert response_with(course, []).status_code == 200


def test_a_locked_lesson_lists_missing_prerequisites_in_course_order(course, ann):
    first, second = course.module(position=1), course.module(position=2)
    last, done = course.lesson(second, position=1), course.lesson(second, position=2)
    early, late = course.lesson(first, position=1), course.lesson(first, position=2)
    locked = course.lesson(second, position=3, requires=[last, late, early, done])
    course.sql.execute(
        "INSERT INTO lesson_progress (user_id, lesson_id, completed_at) VALUES ('ann', %s, %s)",
        (done, NOON),
    )

    missing = details_of(ann.mark(locked), 409)["prerequisites"]

    assert missing == [str(early), str(late), str(last)]


NOT_UUID4 = [
    "1", "x", "00000000-0000-0000-0000-000000000000", "6f1a2c3d-4b5e-1f60-8a7b-9c0d1e2f3a40",
    "6f1a2c3d-4b5e-4f60-7a7b-9c0d1e2f3a40", "6f1a2c3d4b5e4f608a7b9c0d1e2f3a40",
    "{6f1a2c3d-4b5e-4f60-8a7b-9c0d1e2f3a40}", "6f1a2c3d-4b5e-4f60-8a7b-9c0d1e2f3a40%0A",
    "6f1a2c3d-4b5e-4f60-8a7b-9c0d1e2f3a4%D9%A1", "6f1a2c3d-4b5e-4f60-8a7b-9c0d1e2f3a400",
]  # fmt: skip


@pytest.mark.parametrize("request_lesson", [Learner.mark, Learner.unmark, Learner.module])
def test_an_id_that_is_not_a_uuid4_gives_400(client, request_lesson):
    for invalid in NOT_UUID4:
        [fault] = details_of(request_lesson(Learner(client), invalid), 400).values()
        assert fault == ["Must be a UUID of version 4."], invalid


def test_an_uppercase_id_finds_the_same_lesson(course):
    lesson = course.lesson(free=True)

    assert course.learner().mark(str(lesson).upper()).get_json()["lessonId"] == str(lesson)


def test_a_rejected_request_does_not_use_up_the_rate_limit(course):
    lesson, hidden = course.lesson(free=True), course.lesson(published=False)
    ann = course.learner()
    for _ in range(3):
        assert ann.mark(hidden).status_code == 400

    assert ann.mark(lesson).status_code == 200
    assert ann.mark(lesson).status_code == 429


@pytest.mark.parametrize("fault", ["unpublished", "not enrolled"])
def test_unmarking_checks_the_lesson_and_the_enrollment(course, fault):
    lesson = course.lesson(published=fault != "unpublished")
    if fault != "not enrolled":
        course.enroll()

    assert course.learner().unmark(lesson).status_code == STATUSES[fault]
    assert course.learner().unmark(uuid4()).status_code == 404


def test_unmarking_needs_no_prerequisites(course):
    locked = course.lesson(free=True, requires=[course.lesson(published=False)])

    assert course.learner().unmark(locked).status_code == 200


def test_the_write_limit_comes_from_its_setting(client):
    with client.application.app_context():
        limit = completions._write_limit()

    assert (limit.quota, limit.seconds) == (1, 60)
