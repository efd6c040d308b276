"""A client of Redis that counts what it sends."""

from __future__ import annotations

from resume_service.redis.client import new_client


class Counted:
    """A client whose round trips are counted, tried ones included."""

    def __init__(self, url: str) -> None:
        self.trips = 0
        self.client = new_client(url, 5)
        pool, counted = self.client.connection_pool, self

        class Connection(pool.connection_class):
            def send_packed_command(self, command, check_health=True):  # noqa: FBT002 - redis-py's
                counted.trips += 1
                super().send_packed_command(command, check_health)

        pool.connection_class = Connection
