"""A BlockingPipeline for tests: its calls have the timeout of its client, and raise error replies."""

from __future__ import annotations

import time
from typing import Any

import redis

from resume_service.redis.blocking_pipeline import BlockingPipeline
from resume_service.redis.call import Call, Command
from resume_service.redis.circuit_breaker import CircuitBreaker
from resume_service.redis.refusals import raise_first_error
from resume_service.redis.round_trip import NO_WAIT, ReplicaWait


class TimedPipeline(BlockingPipeline):
    def __init__(
        self,
        client: redis.Redis,
        wait: ReplicaWait = NO_WAIT,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        super().__init__(client, breaker or CircuitBreaker(), wait)
        self._seconds = client.connection_pool.connection_kwargs["socket_timeout"]

    def call(self, operation: str, *commands: Command, writes: bool = False) -> list[Any]:
        deadline = time.monotonic() + self._seconds
        replies = self.send(Call(operation, commands, deadline, writes=writes))
        raise_first_error(operation, replies)
        return replies
