"""The Lua scripts of resume points. Redis executes each script as one atomic step."""

from __future__ import annotations

from typing import Any

from resume_service.errors import Unavailable
from resume_service.redis.script import Script

SAVE_POINT = Script("save_point.lua", __name__)
DELETE_POINT = Script("delete_point.lua", __name__)
RESTORE_POINT = Script("restore_point.lua", __name__)
SET_FIRST_TIMES = Script("set_first_times.lua", __name__)


def has_changed_point(result: Any, at_ms: int) -> bool:
    """Return whether SAVE_POINT or DELETE_POINT has changed the point.

    `at_ms` is the time in the arguments of the script. `result` is this time, or its negative if
    nothing changed. Raises Unavailable for any other result: it belongs to another command.
    """
    if result not in (at_ms, -at_ms):
        raise Unavailable
    return bool(result == at_ms)
