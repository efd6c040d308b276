"""The names of Redis' keys.

`:` and `%` inside ids are percent-escaped, so that no two pairs of ids share a key. In a Redis
Cluster a user's keys carry the user as hash tag, so that one script may touch them all, and the
archive's marks are spread over SHARDS keys, so that no server holds them all.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

from resume_service.redis.keys import escaped, unescaped

SHARDS = 64


class PointKeys(NamedTuple):
    """Every name that one point is known by."""

    point: str
    point_prefix: str
    """What the keys of this user's points begin with."""
    recent: str
    """The index of this user's points."""
    member: str
    """The video in the index."""
    entry: str
    """The point in `dirty` and `erased`."""
    dirty: str
    erased: str


class BacklogKeys(NamedTuple):
    """Where the archive's marks of some users are: of all of them, or of one shard."""

    dirty: str
    erased: str
    restored: str
    """There when Redis holds what the archive has."""


class Keys:
    """Builds keys, with hash tags for a Redis Cluster."""

    def __init__(self, *, hash_tags: bool = False) -> None:
        self.hash_tags = hash_tags

    def of_point(self, user_id: str, video_id: str) -> PointKeys:
        user, video = escaped(user_id), escaped(video_id)
        tag, shard = self._tag(user), self._shard(user)
        return PointKeys(
            f"resume:{tag}:{video}",
            f"resume:{tag}:",
            f"recent:{tag}",
            video,
            f"{user}:{video}",
            f"archive:dirty{shard}",
            f"archive:erased{shard}",
        )

    def of_user(self, user_id: str) -> tuple[str, str]:
        """The index of a user, and what the keys of the points in it begin with."""
        tag = self._tag(escaped(user_id))
        return f"recent:{tag}", f"resume:{tag}:"

    def of_backlog(self) -> list[BacklogKeys]:
        """All keys that hold marks."""
        shards = [f":{number}" for number in range(SHARDS)] if self.hash_tags else [""]
        return [
            BacklogKeys(f"archive:dirty{each}", f"archive:erased{each}", f"archive:restored{each}")
            for each in shards
        ]

    def of_entry(self, entry: str) -> tuple[str, str, str]:
        """The key of the point that `entry` stands for, its user and its video."""
        user, _, video = entry.partition(":")
        return f"resume:{self._tag(user)}:{video}", unescaped(user), unescaped(video)

    def _tag(self, user: str) -> str:
        if not self.hash_tags:
            return user
        # A tag ends at the first closing brace: an id that begins with one would have none.
        return "{" + user.replace("}", "%7D") + "}"

    def _shard(self, user: str) -> str:
        return f":{zlib.crc32(user.encode()) % SHARDS}" if self.hash_tags else ""
