"""The demo course: what is missing is added, what is there stays, and no other course is added to."""

from __future__ import annotations

from contextlib import closing

import pytest

from resume_service.demo.course import CUT, LIGHT, WELCOME, seed_demo_course
from tests.support.load_clients import at_once
from tests.support.long_timeouts import long_timeout_database

TABLES = ("modules", "lessons", "lesson_prerequisites", "enrollments")


@pytest.fixture
def seed(database, room):
    """`seed(user)`: the course with that user enrolled; how many rows it added."""
    with closing(long_timeout_database(database)) as course:
        yield lambda user="ann": seed_demo_course(course, user)


def rows(room):
    return [room.sql.execute(f"TABLE {name} ORDER BY 1, 2").fetchall() for name in TABLES]


def test_seeded_again_it_changes_nothing(room, seed):
    assert seed() == 7
    before = rows(room)

    assert seed() == 0
    assert rows(room) == before
    assert [len(each) for each in before] == [2, 4, 3, 1]


CHANGES = [
    "UPDATE lessons SET title = 'Fog', video_id = 'fog'",
    "UPDATE modules SET free = false, position = 7",
    "DELETE FROM lesson_prerequisites",
    "UPDATE enrollments SET status = 'canceled'",
    f"DELETE FROM lesson_prerequisites; INSERT INTO lesson_prerequisites VALUES ('{WELCOME}', '{LIGHT}')",
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_an_admin_has_changed_stays_so(room, seed, change):
    seed()
    room.sql.execute(change)
    before = rows(room)

    assert seed() == 0
    assert rows(room) == before


def test_a_lesson_that_is_missing_is_added_with_what_it_requires(room, seed):
    seed()
    before = [[row[:3] for row in table] for table in rows(room)]
    room.sql.execute("DELETE FROM lessons WHERE id = %s", (CUT,))

    assert seed() == 1
    assert [[row[:3] for row in table] for table in rows(room)] == before


def test_a_viewer_who_is_new_is_enrolled_too(room, seed):
    seed("ann")

    assert seed("bob") == 1
    assert room.learner("bob").mark(WELCOME).status_code == 200
    assert {row[1] for row in rows(room)[3]} == {"ann", "bob"}


def test_where_there_is_another_course_nothing_is_added_to_it(room, seed):
    room.lesson()
    before = rows(room)

    assert seed() is None
    assert rows(room) == before


def test_several_at_once_enrol_once(room, seed):
    seed()
    room.sql.execute("DELETE FROM enrollments")

    assert sorted(at_once(8, lambda _: seed())) == [0] * 7 + [1]
    assert len(rows(room)[3]) == 1
