"""Until the next flush, only the archive has earlier events of a point that is saved again."""

from __future__ import annotations

import pytest
import sqlalchemy

from resume_service.postgres.database import Database
from resume_service.viewing import queries

INVALID = [
    "[]",
    "7",
    '"text"',
    '{"dismissed": "soon"}',
    '{"dismissed": ""}',
    '{"dismissed": "1,2"}',
    '{"unwatched": 1.5}',
    '{"marked": -1}',
    '{"qualified": {}}',
    '{"position": [null, "}"]}',
    '{"rate": [[1]]}',
]
HUGE = '{"dismissed": 1' + "0" * 300 + "}"


@pytest.fixture
def binge(viewer):
    """Three episodes. Only the archive knows that the first two are watched."""
    viewer.add("1x1", "1x2", "1x3")
    viewer.watch("1x1", "1x2")
    viewer.expire()
    return viewer


def test_an_episode_that_is_saved_again_stays_watched(binge):
    binge.watch("1x2", percent=0)
    assert binge.next_up() == ["1x3"]
    assert binge.mark_series("watched") == 1
    binge.flush()

    assert binge.mark_series("watched") == 0


def test_an_unwatched_mark_also_cancels_what_only_the_archive_knows(binge):
    binge.watch("1x2", percent=0)
    binge.mark("1x2", "watched", undo=True)
    assert binge.next_up() == ["1x2"]
    binge.flush()

    assert binge.next_up() == ["1x2"]


def test_a_deletion_also_cancels_what_only_the_archive_knows(binge):
    binge.forget("1x2")
    binge.watch("1x2", percent=0)
    assert binge.next_up() == ["1x2"]
    assert binge.mark_series("watched", undo=True) == 1
    binge.flush()

    assert binge.next_up() == []


def test_a_new_save_ends_an_archived_dismissal(binge):
    binge.mark_series("dismissed")
    binge.expire()
    assert binge.next_up() == []
    binge.watch("1x1", percent=0)

    assert binge.next_up() == ["1x3"]


@pytest.mark.parametrize("state", [*INVALID, HUGE])
def test_a_state_in_the_archive_that_is_not_valid_is_no_error(binge, state):
    """The other columns of the row decide."""
    binge.sql.execute("UPDATE watch_archive SET state = %s", [state])
    dismissed = state == HUGE

    assert binge.next_up() == ([] if dismissed else ["1x3"])
    assert binge.mark_series("watched") == 1


@pytest.fixture
def slow(viewer, monkeypatch):
    """`slow(seconds)`: the statement of next-up takes this long. Others have only 0.2 s."""
    database = viewer.http.application.extensions["resume_service"].get(Database)
    monkeypatch.setattr(database, "_timeout", 0.2)

    def slow(seconds):
        text = f"SELECT FROM pg_sleep({seconds}) WHERE pg_sleep IS NULL"
        monkeypatch.setattr(queries, "NEXT_EPISODES", sqlalchemy.text(text))

    return slow


def test_the_statement_of_next_up_may_take_longer_than_others_but_not_seconds(viewer, slow):
    """Postgres cancels it, so that the response comes within a second."""
    slow(0.4)
    assert viewer.next_up() == []
    slow(60)

    assert viewer.get("next-up").status_code == 503
