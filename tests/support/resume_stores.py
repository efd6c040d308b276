"""Resume stores for tests of the store alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import redis

from resume_service.redis.router import RedisRouter
from resume_service.redis.servers import OneServer
from resume_service.resume.keys import Keys
from resume_service.resume.model import PointSettings
from resume_service.resume.store import ResumeStore
from resume_service.settings import Settings
from tests.support.executed import Executed


def resume_store(client: redis.Redis, *, archive: bool = False, **settings: Any) -> Executed:
    """A store on the Redis server of `client`; `settings` replace the defaults.

    Its methods execute their operations at once.
    """
    point_settings = replace(PointSettings.from_settings(Settings()), **settings)
    router = RedisRouter(OneServer(client))
    return Executed(ResumeStore(router, Keys(), point_settings, archive=archive, fixed_clock=True))
