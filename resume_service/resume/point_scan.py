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
from resume_service.redis.operation import Operation
from resume_service.redis.router import RedisRouter
from resume_service.redis.script import Args, Script
from resume_service.resume.hash_format import POINT_FIELDS, point_from
from resume_service.resume.keys import Keys
from resume_service.resume.model import PointSettings, ResumePoint, Status
from resume_service.resume.scripts import POINTS_IN_PROGRESS

MEDIUM = 64
"""Up to this number of points, a reply is of medium size."""
KNOWN_FIELDS = ("currentTime", "percent", "watched", "state")
LONGEST = 19
"""Numbers with fewer digits fit into a `bigint` of Postgres."""
KNOWN_NOTHING = (None, None, None, None)


class PointsInProgress(NamedTuple):
    """A user's points in progress, newest first."""

    points: list[ResumePoint]
    is_all: bool
    """False if older points may be in progress, too."""


class KnownPoint(NamedTuple):
    """What a list of a user's videos needs of a point."""

    at_ms: int
    """Its `updated_at`, ms since 1970."""
    watched: bool
    in_progress: bool
    dismissed: bool

    def line(self, video_id: str) -> str:
        """Return the point as text, such as `17 1764504000000 100`.

        The flags are: watched, in progress, dismissed.
        """
        flags = f"{self.watched:d}{self.in_progress:d}{self.dismissed:d}"
        return f"{video_id} {self.at_ms} {flags}"

    @classmethod
    def parse(cls, line: str) -> tuple[str, KnownPoint]:
        """Return the video id and the point. Raises Unavailable if `line` is not such a text."""
        try:
            video_id, at_ms, flags = line.split(" ")
            watched, in_progress, dismissed = (flag == "1" for flag in flags)
            return video_id, cls(int(at_ms), watched, in_progress, dismissed)
        except ValueError:
            raise Unavailable from None  # the reply is garbled


class KnownVideos(NamedTuple):
    """What Redis knows of a user's videos with a number as id. The keys are video ids."""

    lines: list[str]
    """The points as text (see `KnownPoint.line`). To create a thousand objects would take longer."""
    marks: dict[str, str]
    """Marks of missing points: the JSON of a merge state (see `state_json.py`)."""
    deletions: dict[str, int]
    """Times of the latest deletions, ms since 1970. An archived point that is not newer is deleted."""

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
        known = KnownVideos([], {}, {})
        for (member, at), values in zip(entries, hashes, strict=True):
            self._add(known, member, at, values)
        known.deletions.update(
            (unescaped(member), _ms(at))
            for member, at in zip(deletions[::2], deletions[1::2], strict=True)
        )
        return known

    def _add(self, known: KnownVideos, member: str, at: str, values: list[Any] | None) -> None:
        """Add a hash to `known`, unless another program has written it."""
        position, percent, watched, state = values or KNOWN_NOTHING
        if position is None:
            if state:
                known.marks[member] = state
        elif state is None:
            try:
                is_begun = float(position) > 0 and float(percent or 0) < self.watched_percent
            except ValueError:
                return
            watched = "1" if watched == "1" else "0"
            known.lines.append(f"{member} {at} {watched}{'10' if is_begun else '00'}")
        else:
            fields = [position, iso_ms(_ms(at)), None, percent, watched, None, None, state]
            if (point := point_from(member, "", member, fields)) is not None:
                in_progress = Status.IN_PROGRESS.admits(point, self.watched_percent)
                flags = KnownPoint(_ms(at), point.watched is True, in_progress, point.dismissed)
                known.lines.append(flags.line(member))

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
    """Return the time in a score of Redis, which is a number with or without a fraction."""
    try:
        return int(float(score))
    except ValueError:
        raise Unavailable from None  # the reply is garbled
