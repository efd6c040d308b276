"""Redis Cluster: finds the primary node of each of the 16384 hash slots.

Each key belongs to one slot. A node that does not have the slot of a key replies with a
redirection. The redirection MOVED says that another node has the slot now. The redirection ASK says
that the slot is moving to another node, where the key may already be.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import redis
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import AskError, MovedError

from resume_service.redis.client import execute
from resume_service.redis.topology import Primaries, Topology
from resume_service.settings.redis_url import Address


class Cluster(Topology):
    """Reads from the cluster which node has which slot. Follows redirections if a slot has moved."""

    def run(self, key: str, *command: str | float) -> Any:
        """Send one command and return the reply. Follows redirections.

        Raises redis.TimeoutError if redirections continue for more than `timeout` seconds.
        """
        node, asking, deadline = self.node(key), False, time.monotonic() + self.timeout
        while True:
            try:
                return _asking(node, command) if asking else execute(node, *command)
            except AskError as redirection:
                if time.monotonic() > deadline:
                    raise redis.TimeoutError("redirected too often") from redirection
                asking = not isinstance(redirection, MovedError)
                node = self.target_of(redirection)
                if isinstance(redirection, MovedError):
                    self.refresh(redirection)

    def refresh(self, moved: MovedError | None = None) -> None:
        super().refresh()
        if moved and self._primaries:
            # The queried node may not know yet that this slot has moved.
            self._primaries[moved.slot_id] = (moved.host, moved.port)

    def _position(self, key: str) -> int:
        return key_slot(key.encode())

    def _known_nodes(self) -> Sequence[Address]:
        return [primary for primary in set(self._primaries) if primary]

    def _query(self, source: Address) -> Primaries:
        ranges = self._reply_of(self._url.at(source), "CLUSTER", "SLOTS")
        if not ranges:
            raise redis.ConnectionError("it knows no slots")
        primaries: Primaries = [None] * REDIS_CLUSTER_HASH_SLOTS
        for first, last, (host, port, *_), *_replicas in ranges:
            # A node that does not know its own host name replies with an empty one.
            primaries[first : last + 1] = [(host or source[0], port)] * (last - first + 1)
        return primaries


def _asking(node: redis.Redis, command: Sequence[str | float]) -> Any:
    """Send `command` to the node that an ASK redirection names. Return the reply to `command`.

    The node accepts the command only after ASKING, because the move of the slot is not complete.
    """
    with node.pipeline(transaction=False) as pipe:
        execute(pipe, "ASKING")
        execute(pipe, *command)
        return pipe.execute()[-1]
