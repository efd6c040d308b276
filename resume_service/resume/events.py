"""Merges events into points: one at a time, or many in one round trip to each Redis server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis

from resume_service.errors import Unavailable
from resume_service.redis.operation import Operation
from resume_service.redis.router import RedisRouter, ScriptArguments
from resume_service.resume.backlog_entry import BacklogEntry, Erasure
from resume_service.resume.event_arguments import ArchivedFields, EventArguments
from resume_service.resume.hash_format import POINT_FIELDS, fields_of
from resume_service.resume.keys import Keys, PointKeys
from resume_service.resume.model import ArchivedPoint, Deletion, EventType, Mark, Measurement
from resume_service.resume.scripts import MERGE_POINT, has_changed_point
from resume_service.resume.separate_backlog import SeparateBacklog
from resume_service.telemetry import metrics

Event = Measurement | Mark


class Events:
    """Runs the script that merges an event, and adds the entry of the backlog.

    Every operation raises Unavailable if Redis fails.
    """

    def __init__(
        self, router: RedisRouter, keys: Keys, arguments: EventArguments, *, archive: bool
    ) -> None:
        self._redis = router
        self._keys = keys
        self._arguments = arguments
        is_separate = archive and keys.hash_tags
        self._separate_backlog = SeparateBacklog(router) if is_separate else None
        self._has_backlog_keys = archive and not is_separate

    def save(self, event: Measurement) -> Operation[bool]:
        """Return whether the save is the latest one."""
        keys = self._keys.of_point(event.user_id, event.video_id)
        node = self._redis.nodes.known(keys.point)
        deadline = self._redis.deadline_ms(node)
        args = self._arguments.of_measurement(event, keys, deadline, wants_point=False)
        result = yield from self._redis.run(
            "save", MERGE_POINT, self._keys_of_save(keys), args, node
        )
        applied = has_changed_point(result, event.arrived_ms)
        if self._separate_backlog:  # also if it is not the latest: it may have set `watched`
            yield from self._separate_backlog.add(BacklogEntry(keys, event.arrived_ms))
        return metrics.count_save(applied)

    def save_and_get(self, event: Measurement) -> Operation[tuple[bool, bool, list[Any]]]:
        """Return whether the save is the latest one, whether the point is new, and its POINT_FIELDS."""
        keys = self._keys.of_point(event.user_id, event.video_id)
        node = self._redis.nodes.known(keys.point)
        deadline = self._redis.deadline_ms(node)
        args = self._arguments.of_measurement(event, keys, deadline, wants_point=True)
        result = yield from self._redis.run(
            "save", MERGE_POINT, self._keys_of_save(keys), args, node
        )
        number, is_new, *values = _items(result, 2 + len(POINT_FIELDS))
        applied = has_changed_point(number, event.arrived_ms)
        if self._separate_backlog:
            yield from self._separate_backlog.add(BacklogEntry(keys, event.arrived_ms))
        return metrics.count_save(applied), is_new == 1, values

    def mark(self, event: Mark) -> Operation[Deletion]:
        """Merge a deletion or a mark."""
        keys = self._keys.of_point(event.user_id, event.video_id)
        is_deletion = event.type is EventType.DELETE
        node = self._redis.nodes.known(keys.point)
        deadline = self._redis.deadline_ms(node)
        args = self._arguments.of_mark(event, keys, deadline)
        if self._separate_backlog and is_deletion:
            yield from self._separate_backlog.add(_entry(event, keys))
        name = "delete" if is_deletion else "mark"
        result = yield from self._redis.run(name, MERGE_POINT, self._script_keys(keys), args, node)
        deletion = _deletion(result, event)
        if self._separate_backlog:
            yield from self._separate_backlog.add(_entry(event, keys, result))
        return deletion

    def merge(self, row: ArchivedPoint, arrived_ms: int) -> Operation[list[Any]]:
        """Merge an archived point. Return the values of POINT_FIELDS after that."""
        keys = self._keys.of_point(row.user_id, row.video_id)
        fields = ArchivedFields(fields_of(row))
        args = self._arguments.of_archived(fields, keys, arrived_ms, wants_point=True)
        result = yield from self._redis.run("merge", MERGE_POINT, self._script_keys(keys), args)
        number, _, *values = _items(result, 2 + len(POINT_FIELDS))
        has_changed_point(number, arrived_ms)
        return values

    def batch(self, events: Sequence[Event]) -> Operation[list[bool | Deletion | Unavailable]]:
        """Merge `events` in their order. Each item of the result belongs to the event at its place.

        It is whether a save is the latest one, a Deletion for a deletion or a mark, or Unavailable.
        """
        calls = [self._call(event) for event in events]
        failed: list[Any] = [None] * len(events)
        if self._separate_backlog:
            early = {n: self._entry(each) for n, each in enumerate(events) if _is_deletion(each)}
            added = yield from self._separate_backlog.add_each(list(early.values()))
            for n, fault in zip(early, added, strict=True):
                failed[n] = fault
        results = yield from self._redis.run_each("batch", MERGE_POINT, calls)
        if self._separate_backlog:
            entries = [self._entry(*each) for each in zip(events, results, strict=True)]
            late = yield from self._separate_backlog.add_each(entries)
            failed = [before or after for before, after in zip(failed, late, strict=True)]
        return [
            fault or _outcome(result, event)
            for event, result, fault in zip(events, results, failed, strict=True)
        ]

    def _call(self, event: Event) -> ScriptArguments:
        keys = self._keys.of_point(event.user_id, event.video_id)
        node = self._redis.nodes.known(keys.point)
        deadline = self._redis.deadline_ms(node)
        if isinstance(event, Mark):
            return self._script_keys(keys), self._arguments.of_mark(event, keys, deadline)
        args = self._arguments.of_measurement(event, keys, deadline, wants_point=False)
        return self._keys_of_save(keys), args

    def _entry(self, event: Event, result: Any = None) -> BacklogEntry:
        return _entry(event, self._keys.of_point(event.user_id, event.video_id), result)

    def _keys_of_save(self, keys: PointKeys) -> list[str]:
        if self._has_backlog_keys:
            return [keys.point, keys.recent, keys.deleted, keys.live, keys.dirty]
        return [keys.point, keys.recent, keys.deleted, keys.live]

    def _script_keys(self, keys: PointKeys) -> list[str]:
        if self._has_backlog_keys:
            return [keys.point, keys.recent, keys.deleted, keys.live, keys.dirty, keys.erased]
        return [keys.point, keys.recent, keys.deleted, keys.live]


def _is_deletion(event: Event) -> bool:
    return isinstance(event, Mark) and event.type is EventType.DELETE


def _entry(event: Event, keys: PointKeys, result: Any = None) -> BacklogEntry:
    """The entry of the backlog. Before a deletion, there is no result. After a fault, it has none."""
    if not _is_deletion(event):
        return BacklogEntry(keys, event.arrived_ms)
    if isinstance(_outcome(result, event), Deletion):
        return BacklogEntry(keys, result[3], Erasure.DONE)
    return BacklogEntry(keys, event.arrived_ms, Erasure.EARLY)


def _outcome(result: Any, event: Event) -> bool | Deletion | Unavailable:
    """The item of a batch for one event. `result` is the result of the script, or an error."""
    if isinstance(result, Unavailable):
        return result
    if isinstance(result, redis.RedisError):
        return Unavailable(str(result))
    try:
        if isinstance(event, Mark):
            return _deletion(result, event)
        return has_changed_point(result, event.arrived_ms)
    except Unavailable as fault:
        return fault


def _deletion(result: Any, event: Mark) -> Deletion:
    """Raises Unavailable if `result` belongs to another command."""
    number, existed, earlier_ms, at_ms = _items(result, 4)
    is_applied = has_changed_point(number, event.arrived_ms)
    if not type(earlier_ms) is type(at_ms) is int:
        raise Unavailable
    return Deletion(existed == 1, earlier_ms, is_applied)


def _items(result: Any, count: int) -> list[Any]:
    """Return `result`, an array with `count` items. Raises Unavailable for any other result."""
    if type(result) is not list or len(result) != count:
        raise Unavailable  # it belongs to another command
    return result
