"""The Postgres that holds the archive."""

from __future__ import annotations

import asyncio

import psycopg

from resume_service.errors import Unavailable

PING_SECONDS = 0.5
"""With the time-out of Redis below the second that /readyz may take."""


class Database:
    """The database at `url`; it connects on use."""

    def __init__(self, url: str) -> None:
        self._url = url

    def ping(self) -> None:
        """Raises Unavailable unless Postgres answers a query within PING_SECONDS."""
        try:
            asyncio.run(asyncio.wait_for(self._query(), PING_SECONDS))
        except (OSError, psycopg.Error) as fault:
            raise Unavailable from fault

    async def _query(self) -> None:
        # Asynchronous because libpq's own time-outs come in whole seconds, two at least.
        async with await psycopg.AsyncConnection.connect(self._url) as connection:
            await connection.execute("SELECT 1")
