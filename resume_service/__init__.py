"""Where every viewer goes on: resume points over HTTP, kept in Redis."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import redis
from flask import Flask

from resume_service import archive_cli, cli, cors, logs, request_cycle
from resume_service.archive.figures import BacklogCollector
from resume_service.archive.history import History
from resume_service.archive.marks import Marks
from resume_service.auth.tokens import Verifier
from resume_service.catalogue.facts import StoredFacts
from resume_service.dashboard import routes as dashboard
from resume_service.dialects import history, lessons, progress
from resume_service.error_answers import render_service_error
from resume_service.errors import ServiceError
from resume_service.fast_lane import FastLane
from resume_service.lessons.school import School
from resume_service.limits.turns import Turns
from resume_service.ops import docs, health
from resume_service.ops import metrics as metrics_routes  # not to hide resume_service.metrics
from resume_service.postgres.database import Database
from resume_service.resume.keys import Keys
from resume_service.resume.model import Rules
from resume_service.resume.redis_batches import RedisBatches
from resume_service.resume.redis_router import RedisRouter
from resume_service.resume.redis_servers import OneServer, connect
from resume_service.resume.store import ResumeStore
from resume_service.services import Services, system_clock
from resume_service.settings import Settings
from resume_service.v1 import billing, course, enrollments
from resume_service.v1 import lessons as kept_lessons
from resume_service.v1 import modules as kept_modules

__version__ = "0.4.0"

LARGEST_BODY = 64 * 1024

BLUEPRINTS = (progress.blp, health.blp, metrics_routes.blp)
ARCHIVE_BLUEPRINTS = (history.blp,)
"""Absent from routes and documentation without an archive."""
LESSON_BLUEPRINTS = (
    lessons.blp,
    course.blp,
    kept_modules.blp,
    kept_lessons.blp,
    enrollments.blp,
)
"""Likewise."""
QUICK_ROUTES = progress.QUICK_ROUTES
PUBLIC_ENDPOINTS = frozenset(
    {
        "health.healthz",
        "health.readyz",
        "metrics.metrics",
        "billing.receive",
        *docs.ENDPOINTS,
        *dashboard.ENDPOINTS,
    }
)
"""The routes that need no token. Every other one is closed."""


def create_app(
    settings: Settings,
    *,
    client: redis.Redis | None = None,
    clock: Callable[[], datetime] = system_clock,
) -> Flask:
    """The application. Nothing connects before the first request; tests bring `client`, `clock`."""
    logs.configure(settings.log_level)
    app = Flask(__name__, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # answers keep the contract's order
    app.url_map.merge_slashes = False  # an empty id is not found, and never another route
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    services = _services(settings, client, clock)
    app.extensions["resume_service"] = services
    request_cycle.install(app, PUBLIC_ENDPOINTS)
    app.register_error_handler(ServiceError, render_service_error)
    api = docs.describe(app, __version__)
    for blueprint in (*BLUEPRINTS, *(ARCHIVE_BLUEPRINTS if settings.database_url else ())):
        api.register_blueprint(blueprint)
    if services.school:
        for blueprint in (
            *LESSON_BLUEPRINTS,
            *((billing.blp,) if services.school.subscriptions else ()),
        ):
            api.register_blueprint(blueprint)
        app.register_blueprint(dashboard.blp)
    for command in (cli.token_command(settings), *archive_cli.commands(settings)):
        app.cli.add_command(command)
    origin_headers = cors.install(app, settings.cors_origins)
    lane = FastLane(app, services, QUICK_ROUTES, origin_headers, LARGEST_BODY)
    app.wsgi_app = lane  # type: ignore[method-assign]
    return app


def _services(
    settings: Settings, client: redis.Redis | None, clock: Callable[[], datetime]
) -> Services:
    timeout = settings.redis_timeout_ms
    servers = (
        OneServer(client)
        if client
        else connect(settings.redis_url, timeout, cluster=settings.redis_cluster)
    )
    keys = Keys(hash_tags=settings.redis_cluster)
    database = Database(settings.database_url) if settings.database_url else None
    marks = Marks(RedisBatches(servers), keys)
    router = RedisRouter(servers, wait_replicas=settings.resume_wait_replicas, wait_ms=timeout // 2)
    return Services(
        verifier=Verifier.from_settings(settings),
        points=ResumeStore(
            router,
            keys,
            Rules.from_settings(settings),
            archive=database is not None,
        ),
        database=database,
        archive=History(database) if database else None,
        backlog=BacklogCollector(marks, clock) if database else None,
        videos=StoredFacts(database) if database else None,
        school=School.on(database, settings) if database else None,
        turns=Turns(router),
        clock=clock,
    )
