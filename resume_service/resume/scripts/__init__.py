"""The Lua scripts of resume points. Redis executes each script as one atomic step."""

from __future__ import annotations

from resume_service.redis.script import Script

SAVE_POINT = Script("save_point.lua", __name__)
DELETE_POINT = Script("delete_point.lua", __name__)
RESTORE_POINT = Script("restore_point.lua", __name__)
SET_FIRST_TIMES = Script("set_first_times.lua", __name__)
