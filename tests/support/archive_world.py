"""One point in a Redis and an archive, and what may happen to them."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from hypothesis import strategies as st

from resume_service.archive.backlog import Backlog
from resume_service.archive.cycle import ArchiveCycle
from resume_service.archive.flush import Flush
from resume_service.clock import epoch_ms, from_epoch_ms, iso
from resume_service.errors import NotFound
from resume_service.redis.pipeline import Pipeline
from resume_service.redis.servers import OneServer
from resume_service.resume.bulk_store import BulkStore
from resume_service.resume.keys import Keys
from resume_service.resume.model import EventType, PointSettings
from resume_service.settings import Settings
from tests.support.archive_stores import NOW, WORKER_COLUMNS
from tests.support.event_model import DELETE, WATCHED_PERCENT, Event, earliest, model
from tests.support.executed import Executed
from tests.support.point_events import event_sets
from tests.support.replay import check_time
from tests.support.resume_stores import resume_store

NOW_MS = epoch_ms(NOW)
MOMENTS = [(step, when) for step in Flush.STEPS for when in ("before", "after")]
EMPTY_ARCHIVE = "DELETE FROM watch_archive; DELETE FROM watch_archive_tombstones"


class KilledError(Exception):
    """The worker ends at once. Postgres then rolls its transaction back."""


@dataclass
class World:
    """A Redis, an archive, and the worker between them. They have one point."""

    redis: Any
    points: Executed
    archive: ArchiveCycle
    sql: psycopg.Connection[Any]

    def empty(self) -> None:
        self.redis.flushall()
        self.sql.execute(EMPTY_ARCHIVE)
        self.archive.backlog.set_restored(done=True)

    def do(self, step: Any) -> None:
        if isinstance(step, Event):
            [result] = self.points.batch([step.arriving("ann", "v", NOW_MS)])
            assert not isinstance(result, Exception)
        elif isinstance(step, tuple):
            self.flush_killed(*step)
        else:
            getattr(self, step)()

    def flush(self) -> None:
        self.archive.cycle()

    def lose(self) -> None:
        """Redis loses its data, all of which the archive has. The next flush restores it."""
        self.archive.cycle()
        self.redis.flushall()

    def expire(self) -> None:
        """The point expires. The archive has it. Its deletion has not expired."""
        self.archive.cycle()
        self.redis.delete("resume:ann:v")

    def flush_killed(self, name: str, when: str) -> None:
        with pytest.MonkeyPatch.context() as patch:
            step = getattr(Flush, name)

            def killed(flush: Flush, *args: Any) -> Any:
                if when == "after":
                    step(flush, *args)
                raise KilledError

            patch.setattr(Flush, name, killed)
            with contextlib.suppress(KilledError):  # an empty backlog has no such step
                self.archive.cycle()

    def archived(self) -> dict[str, Any] | None:
        with self.sql.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            row = cursor.execute("SELECT * FROM watch_archive").fetchone()
        return row and {name: row[name] for name in row if name not in WORKER_COLUMNS}

    def stored(self) -> dict[str, Any] | None:
        try:
            point = self.points.get("ann", "v")
        except NotFound:
            return None
        return {name: getattr(point, name) for name in point.__struct_fields__}


def histories(most_events: int) -> st.SearchStrategy[list[Any]]:
    """Events in any order, some of them twice, and other steps at random places."""
    steps = st.one_of(
        st.sampled_from(["flush", "flush", "lose", "expire"]), st.sampled_from(MOMENTS)
    )
    events = event_sets(NOW_MS - 8, most_events)
    return st.tuples(events, st.lists(steps, max_size=5), st.randoms(use_true_random=False)).map(
        lambda drawn: mixed(*drawn)
    )


def mixed(events, steps, chance):
    order = chance.sample(events, len(events))
    again = chance.sample(events, chance.randrange(len(events) + 1))
    history = order + again
    for step in steps:
        history.insert(chance.randrange(len(history) + 1), step)
    return history


def check_history(world: World, history: list[Any]) -> None:
    world.empty()
    for step in history:
        world.do(step)
    world.flush()
    world.flush()
    events = [step for step in history if isinstance(step, Event)]
    archived, stored = world.archived(), world.stored()

    check_archived(archived, events)
    world.archive.restore(lambda _total: lambda _points: None)
    restored = world.stored()
    check_stored(restored, events)
    assert stored in (restored, None)
    world.flush()
    assert world.archived() == archived
    assert world.stored() == restored
    for kind in ("dirty", "erased"):
        assert world.redis.zcard(f"archive:{kind}") == 0


def check_archived(row: dict[str, Any] | None, events: list[Event]) -> None:
    point = model(events)
    assert (row is None) is (point is None)
    if row is None or point is None:
        return
    row = row | {"updated_at": iso(row["updated_at"])}
    for name in ("position", "duration", "percent", "updated_at", "watched"):
        assert row[name] == point[name]
    assert row["completed"] is (row["percent"] == 100)
    watched = earliest(events, WATCHED_PERCENT, DELETE, EventType.UNWATCHED)
    assert (row["watched_at"] is not None) is bool(watched)
    for name, percent in (("watched_at", WATCHED_PERCENT), ("completed_at", 100)):
        check_time(row[name] and iso(row[name]), events, percent)


def check_stored(stored: dict[str, Any] | None, events: list[Event]) -> None:
    point = model(events)
    assert (stored is None) is (point is None)
    if stored and point:
        assert {name: stored[name] or False for name in point} == {
            name: point[name] or False for name in point
        }


def world_on(client: Any, database_url: str, sql: psycopg.Connection[Any]) -> World:
    keys, rules = Keys(), PointSettings.from_settings(Settings())
    redis = Pipeline(OneServer(client))
    archive = ArchiveCycle(
        database_url=database_url,
        backlog=Backlog(redis, keys),
        points=BulkStore(redis, keys, rules, lambda: from_epoch_ms(NOW_MS)),
        point_settings=rules,
        batch=1000,
    )
    return World(client, resume_store(client, archive=True), archive, sql)
