"""Finds the node of a key: the connections of this process to the server that has the key."""

from __future__ import annotations

import weakref

import redis

from resume_service.errors import Unavailable
from resume_service.redis.blocking_pipeline import BlockingPipeline
from resume_service.redis.node import NewPipeline, Node
from resume_service.redis.round_trip import ReplicaWait
from resume_service.redis.servers import Servers


class Nodes:
    """Each client of `servers` has one node."""

    def __init__(self, servers: Servers, wait: ReplicaWait) -> None:
        self._servers = servers
        self._wait = wait
        self.new_pipeline: NewPipeline = BlockingPipeline
        """Creates the pipelines. The gevent worker replaces it before its first request."""
        self._nodes: dict[int, Node] = {}
        """The node of each client, by the `id` of the client. It is removed with its client."""

    def known(self, key: str) -> Node | None:
        """Return the node of `key`, or None if a query must find it first."""
        try:
            client = self._servers.known_node(key)
        except redis.RedisError as fault:
            raise Unavailable from fault
        if client is None:
            return None
        return self._nodes.get(id(client)) or self.of(client)

    def find(self, key: str) -> Node:
        """Return the node of `key`. Blocks while it queries the servers."""
        try:
            return self.of(self._servers.node(key))
        except redis.RedisError as fault:
            raise Unavailable from fault

    def of(self, client: redis.Redis) -> Node:
        """Return the node of `client`."""
        node = self._nodes.get(id(client))
        if node is None:
            new = Node(client, self.new_pipeline, self._wait)
            node = self._nodes.setdefault(id(client), new)
            if node is new:
                weakref.finalize(client, self._nodes.pop, id(client), None)
        return node
