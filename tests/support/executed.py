"""Executes operations at once, so that tests read like calls."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from resume_service.redis.operation import run


class Executed:
    """The same as `target`, for example a store. But each method executes its operation."""

    def __init__(self, target: Any) -> None:
        self._target = target

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._target, name)
        if not callable(attribute):
            return attribute

        def execute(*args: Any, **options: Any) -> Any:
            result = attribute(*args, **options)
            return run(result) if isinstance(result, Generator) else result

        return execute
