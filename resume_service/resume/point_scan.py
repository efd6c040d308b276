"""Reads those points of a user that a list of videos needs.

`listing.py` serves pages in which each point is an item. Here the caller chooses from the points.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from redis.exceptions import NoScriptError

from resume_service.clock import iso_ms
from resume_service.errors import Unavailable
from resume_service.redis.call import ReplySize
from resume_service.redis.hashes import read_hashes
from resume_service.redis.keys import unescaped
from resume_service.redis.operation import PAUSE, Operation
from resume_service.redis.router import RedisRouter
from resume_service.redis.script import Args, Script
from resume_service.resume.hash_format import POINT_FIELDS, log_no_point, point_from
from resume_service.resume.keys import Keys
from resume_service.resume.known_point import KnownPoint
from resume_service.resume.merge_state import NEVER, is_begun
from resume_service.resume.model import PointSettings, ResumePoint, Status
from resume_service.resume.scripts import POINTS_IN_PROGRESS
from resume_service.resume.state_fields import from_fields

MEDIUM = 64
"""Up to this number of points, a reply is of medium size."""
SLICE = 250
"""Number of points that are converted in one piece, in about 0.4 ms. Other requests wait for it."""
KNOWN_FIELDS = ("currentTime", "percent", "watched", "state")
LONGEST = 19
"""Numbers with fewer digits fit into a `bigint` of Postgres."""
LATEST_MS = 253_402_300_799_999
"""The end of the year 9999."""


class PointsInProgress(NamedTuple):
    """A user's points in progress, newest first."""

    points: list[ResumePoint]
    is_all: bool
    """False if older points may be in progress, too."""


class KnownVideos(NamedTuple):
    """What Redis knows of a user's videos with a number as id."""

    lines: list[str]
    """The points, and marks of missing points, as text (see `KnownPoint.line`).

    To create a thousand objects would take longer.
    """
    deletions: dict[str, int]
    """Times of the latest deletions by video id, ms since 1970. They cancel earlier archived events."""

    def points(self) -> dict[str, KnownPoint]:
        return dict(map(KnownPoint.parse, self.lines))


class PointScan:
    """Reads the points of a user. Every operation raises Unavailable if Redis fails."""

    def __init__(self, redis: RedisRouter, keys: Keys, settings: PointSettings) -> None:
        self._redis = redis
        self._keys = keys
        self.watched_percent = settings.watched_percent
        """A point with this percent or more is not in progress."""
        self.max_points = settings.max_points
        """Maximum number of a user's points."""

    def in_progress(self, user_id: str, most: int | None = None) -> Operation[PointsInProgress]:
        """Return the user's points in progress.

        If `most` is given, read at most this number of points.
        """
        recent, prefix = self._keys.of_user(user_id)
        size = ReplySize.MEDIUM if most and most <= MEDIUM else ReplySize.LARGE
        args: Args = [prefix, self.watched_percent, most or ""]
        reply = yield from self._run(POINTS_IN_PROGRESS, [recent], args, size)
        is_all, *entries = reply
        points = [
            point
            for member, values in zip(entries[::2], entries[1::2], strict=True)
            if (point := _point(user_id, prefix, member, values)) is not None
            and Status.IN_PROGRESS.admits(point, self.watched_percent)
        ]
        return PointsInProgress(points, is_all == 1)

    def known(self, user_id: str) -> Operation[KnownVideos]:
        """Return what Redis knows of all videos of the user, in two round trips.

        A script in one round trip would take three times as long, and block Redis.
        """
        recent, prefix = self._keys.of_user(user_id)
        commands = [
            (name, key, 0, -1, "WITHSCORES")
            for name, key in (("ZREVRANGE", recent), ("ZRANGE", self._keys.deletions_of(user_id)))
        ]
        index, deletions = yield from self._redis.call(
            "list", recent, *commands, size=ReplySize.MEDIUM
        )
        entries = [
            (member, at)
            for member, at in zip(index[::2], index[1::2], strict=True)
            if _is_number(member)
        ]
        keys = [prefix + member for member, _ in entries]
        hashes: list[list[Any] | None] = []
        if keys:
            hashes = yield from read_hashes(self._redis, keys, KNOWN_FIELDS, ReplySize.LARGE)
        lines: list[str] = []
        for start in range(0, len(entries), SLICE):
            if start:
                yield PAUSE
            part = slice(start, start + SLICE)
            lines += [
                line
                for (member, at), values in zip(entries[part], hashes[part], strict=True)
                if values and (line := self._line(prefix, member, _ms(at), values))
            ]
        return KnownVideos(
            lines,
            {
                unescaped(member): _ms(at)
                for member, at in zip(deletions[::2], deletions[1::2], strict=True)
            },
        )

    def _line(self, prefix: str, member: str, at: int, values: list[Any]) -> str | None:
        """Return the text of a hash, or None if another program has written it."""
        position, percent, watched, state = values
        try:
            has_begun = is_begun(
                float(position or 0), float(percent) if percent else None, self.watched_percent
            )
            if state is None:
                qualified = at if watched == "1" else NEVER
                return f"{member} {at} {has_begun:d} {qualified}" if position else None
            fields = {"state": state, "percent": percent, "watched": watched}
            if position:
                fields |= {"currentTime": position, "updatedAt": iso_ms(at)}
            events = KnownPoint.of(from_fields(fields), self.watched_percent)
            return events._replace(has_begun=has_begun).line(member)
        except (TypeError, ValueError, OverflowError) as fault:
            log_no_point(prefix + member, str(fault))
            return None

    def _run(
        self, script: Script, keys: Sequence[str], args: Args, size: ReplySize
    ) -> Operation[list[Any]]:
        """Run a script that only reads. Raises Unavailable if the reply is no array."""
        tail = (str(len(keys)), *keys, *args)
        try:
            by_hash = ("EVALSHA", script.sha, *tail)
            [reply] = yield from self._redis.call("list", keys[0], by_hash, size=size)
        except NoScriptError:
            by_text = ("EVAL", script.text, *tail)
            [reply] = yield from self._redis.call("list", keys[0], by_text, size=size)
        if type(reply) is not list or not reply:
            raise Unavailable  # the reply is garbled
        return reply


def _point(user_id: str, prefix: str, member: str, values: list[Any]) -> ResumePoint | None:
    if len(values) != len(POINT_FIELDS):
        raise Unavailable  # the reply is garbled
    return point_from(prefix + member, user_id, unescaped(member), values)


def _is_number(member: str) -> bool:
    """Return whether a video of the catalogue can have this id. Each number has one spelling."""
    return member.isascii() and member.isdigit() and member[0] != "0" and len(member) < LONGEST


def _ms(score: str) -> int:
    """Return the time in a score of Redis, which is a number with or without a fraction.

    If another program has written it, the result is limited to times that Postgres and Python accept.
    """
    try:
        return int(min(max(float(score), NEVER), LATEST_MS))
    except ValueError:
        raise Unavailable from None  # the reply is garbled
