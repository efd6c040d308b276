"""Seeding the demo course adds missing rows and changes no existing row or course."""

from __future__ import annotations

from contextlib import closing

import pytest

from resume_service.demo.course import CUT, LIGHT, WELCOME, seed_demo_course
from tests.support.load_clients import in_parallel
from tests.support.long_timeouts import long_timeout_database

TABLES = ("modules", "lessons", "lesson_prerequisites", "enrollments")


@pytest.fixture
def seed(database, course):
    """`seed(user)` adds the demo course, enrolls the user and returns the number of new rows."""
    with closing(long_timeout_database(database)) as opened_database:
        yield lambda user="ann": seed_demo_course(opened_database, user)


def rows(course):
    return [course.sql.execute(f"TABLE {name} ORDER BY 1, 2").fetchall() for name in TABLES]


def test_seeding_again_changes_nothing(course, seed):
    assert seed() == 7
    before = rows(course)

    assert seed() == 0
    assert rows(course) == before
    assert [len(each) for each in before] == [2, 4, 3, 1]


CHANGES = [
    "UPDATE lessons SET title = 'Fog', video_id = 'fog'",
    "UPDATE modules SET free = false, position = 7",
    "DELETE FROM lesson_prerequisites",
    "UPDATE enrollments SET status = 'canceled'",
    f"DELETE FROM lesson_prerequisites; INSERT INTO lesson_prerequisites VALUES ('{WELCOME}', '{LIGHT}')",
]


@pytest.mark.parametrize("change", CHANGES)
def test_seeding_keeps_the_changes_of_an_admin(course, seed, change):
    seed()
    course.sql.execute(change)
    before = rows(course)

    assert seed() == 0
    assert rows(course) == before


def test_a_missing_lesson_is_added_with_its_prerequisites(course, seed):
    seed()
    before = [[row[:3] for row in table] for table in rows(course)]
    course.sql.execute("DELETE FROM lessons WHERE id = %s", (CUT,))

    assert seed() == 1
    assert [[row[:3] for row in table] for table in rows(course)] == before


def test_seeding_for_a_new_user_adds_an_enrollment(course, seed):
    seed("ann")

    assert seed("bob") == 1
    assert course.learner("bob").mark(WELCOME).status_code == 200
    assert {row[1] for row in rows(course)[3]} == {"ann", "bob"}


def test_another_course_is_left_unchanged(course, seed):
    course.lesson()
    before = rows(course)

    assert seed() is None
    assert rows(course) == before


def test_concurrent_seeding_adds_one_enrollment(course, seed):
    seed()
    course.sql.execute("DELETE FROM enrollments")

    assert sorted(in_parallel(8, lambda _: seed())) == [0] * 7 + [1]
    assert len(rows(course)[3]) == 1
