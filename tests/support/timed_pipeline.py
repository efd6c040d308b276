"""An AutoPipeline for tests: its calls have the timeout of its client."""

from __future__ import annotations

import time
from typing import Any

import redis

from resume_service.redis.auto_pipeline import AutoPipeline
from resume_service.redis.call import Call, Command
from resume_service.redis.circuit_breaker import CircuitBreaker


class TimedPipeline(AutoPipeline):
    def __init__(self, client: redis.Redis, **options: int) -> None:
        super().__init__(client, CircuitBreaker(), **options)
        self._seconds = client.connection_pool.connection_kwargs["socket_timeout"]

    def call(self, operation: str, *commands: Command, writes: bool = False) -> list[Any]:
        deadline = time.monotonic() + self._seconds
        return self.send(Call(operation, commands, deadline, writes=writes))
