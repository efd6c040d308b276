"""The Lua scripts of resume points. Redis executes each script as one atomic step."""

from __future__ import annotations

from typing import Any

from resume_service.errors import Unavailable
from resume_service.redis.script import Script

MERGE_POINT = Script("merge_point.lua", __name__)
POINTS_IN_PROGRESS = Script("points_in_progress.lua", __name__)


def has_changed_point(result: Any, arrived_ms: int) -> bool:
    """Return whether MERGE_POINT has applied a save, or whether another event has changed anything.

    `arrived_ms` is the number in the arguments of the script. `result` is this number, or its
    negative. Raises Unavailable for any other result: it belongs to another command.
    """
    if result not in (arrived_ms, -arrived_ms):
        raise Unavailable
    return bool(result == arrived_ms)
