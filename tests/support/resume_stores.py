"""Stores on a Redis of a test's own."""

from __future__ import annotations

from typing import Any

import redis

from resume_service.redis.router import RedisRouter
from resume_service.redis.servers import OneServer
from resume_service.resume.keys import Keys
from resume_service.resume.model import Rules
from resume_service.resume.store import ResumeStore


def resume_store(client: redis.Redis, *, archive: bool = False, **rules: Any) -> ResumeStore:
    """A store that keeps its points in the one server of `client`."""
    return ResumeStore(RedisRouter(OneServer(client)), Keys(), Rules(**rules), archive=archive)
