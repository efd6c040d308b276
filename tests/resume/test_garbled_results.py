"""A result of another command, in place of the script's own, is a failure of Redis."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from resume_service.clock import epoch_ms
from resume_service.errors import Unavailable
from resume_service.redis.router import RedisRouter
from resume_service.redis.servers import connect
from resume_service.resume.keys import Keys
from resume_service.resume.model import (
    ArchivedPoint,
    EventType,
    Mark,
    Measurement,
    PointSettings,
)
from resume_service.resume.store import ResumeStore
from resume_service.settings import Settings

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOW_MS = epoch_ms(NOON)
SAVE = Measurement("ann", "v", NOW_MS, 10)
DELETION = Mark("ann", "v", NOW_MS, EventType.DELETE)
ROW = ArchivedPoint("ann", "v", 10, NOON, None, None, False, None, False, None)  # noqa: FBT003
CALLS = {
    "save": lambda points: points.save(SAVE),
    "save_and_get": lambda points: points.save_and_get(SAVE),
    "mark": lambda points: points.mark(DELETION),
    "merge": lambda points: points.merge(ROW, NOW_MS),
}


@pytest.mark.parametrize("result", [None, 1, "OK", "0123456789", [], [NOW_MS], [NOW_MS, 0, 0]])
@pytest.mark.parametrize("call", CALLS)
def test_result_of_another_command_is_unavailable(call, result):
    router = RedisRouter(connect("redis://one", 300))
    settings = PointSettings.from_settings(Settings())
    operation = CALLS[call](ResumeStore(router, Keys(), settings, archive=False))
    sent = next(operation)

    with pytest.raises(Unavailable):
        operation.send([result] * sent.count)
