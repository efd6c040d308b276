"""Names of the Redis keys.

`:` and `%` in ids are percent-escaped. So two different pairs of ids never share a key.

In a Redis Cluster, the user is the hash tag of a user's keys. So one script can use all of them.
The backlog of the archive is split into SHARDS keys. So it is not all on one server.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

from resume_service.redis.keys import escaped, unescaped

SHARDS = 64
"""The number of backlog keys of each kind in a Redis Cluster."""


class PointKeys(NamedTuple):
    """The Redis keys and members of one point."""

    point: str
    point_prefix: str
    """The prefix of the keys of this user's points."""
    recent: str
    """The index of this user's points."""
    member: str
    """The member of `recent` for this video."""
    entry: str
    """The member of `dirty` and `erased` for this point."""
    dirty: str
    erased: str


class BacklogKeys(NamedTuple):
    """The keys of the backlog: of all users, or of one shard in a cluster."""

    dirty: str
    erased: str
    restored: str
    """This key exists if Redis holds the archived points."""


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
        """The key of a user's index, and the prefix of the keys of the user's points."""
        tag = self._tag(escaped(user_id))
        return f"recent:{tag}", f"resume:{tag}:"

    def of_backlog(self) -> list[BacklogKeys]:
        """The backlog keys of every shard; one item outside a cluster."""
        shards = [f":{number}" for number in range(SHARDS)] if self.hash_tags else [""]
        return [
            BacklogKeys(
                f"archive:dirty{shard}", f"archive:erased{shard}", f"archive:restored{shard}"
            )
            for shard in shards
        ]

    def of_entry(self, entry: str) -> tuple[str, str, str]:
        """The key of the point of a backlog entry, its user id and its video id."""
        user, _, video = entry.partition(":")
        return f"resume:{self._tag(user)}:{video}", unescaped(user), unescaped(video)

    def _tag(self, user: str) -> str:
        if not self.hash_tags:
            return user
        # A hash tag ends at the first `}`. An id that begins with `}` would have an empty tag.
        return "{" + user.replace("}", "%7D") + "}"

    def _shard(self, user: str) -> str:
        return f":{zlib.crc32(user.encode()) % SHARDS}" if self.hash_tags else ""
