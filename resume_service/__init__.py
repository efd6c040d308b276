"""Where every viewer goes on: resume points over HTTP, kept in Redis."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import redis
from flask import Flask
from flask_cors import CORS

from resume_service import cli, logs, request_cycle
from resume_service.archive.database import Database
from resume_service.auth.tokens import Verifier
from resume_service.dialects import progress
from resume_service.error_answers import render_service_error
from resume_service.errors import ServiceError
from resume_service.ops import docs, health, metrics
from resume_service.resume.redis_gate import connect
from resume_service.resume.store import ResumeStore
from resume_service.services import Services, system_clock
from resume_service.settings import Settings

__version__ = "0.1.0"

LARGEST_BODY = 64 * 1024
PREFLIGHT_SECONDS = 24 * 60 * 60

BLUEPRINTS = (progress.blp, health.blp, metrics.blp)
PUBLIC_ENDPOINTS = frozenset(
    {"health.healthz", "health.readyz", "metrics.metrics", *docs.ENDPOINTS}
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
    app.extensions["resume_service"] = _services(settings, client, clock)
    request_cycle.install(app, PUBLIC_ENDPOINTS)
    app.register_error_handler(ServiceError, render_service_error)
    api = docs.describe(app, __version__)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint)
    if settings.cors_origins:
        _allow_origins(app, settings.cors_origins)
    app.cli.add_command(cli.token_command(settings))
    return app


def _services(
    settings: Settings, client: redis.Redis | None, clock: Callable[[], datetime]
) -> Services:
    return Services(
        verifier=Verifier.from_settings(settings),
        points=ResumeStore(
            client or connect(settings.redis_url, settings.redis_timeout_ms),
            ttl=timedelta(days=settings.resume_ttl_days),
            max_points=settings.resume_max_points,
            watched_percent=settings.watched_percent,
            archive=settings.database_url is not None,
        ),
        database=Database(settings.database_url) if settings.database_url else None,
        clock=clock,
    )


def _allow_origins(app: Flask, origins: tuple[str, ...]) -> None:
    CORS(
        app,
        origins=list(origins),
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-Request-Id"],
        expose_headers=[
            "ETag",
            "Idempotency-Key",
            "Link",
            "Resume-Applied",
            "Retry-After",
            "X-Request-Id",
        ],
        max_age=PREFLIGHT_SECONDS,
        always_send=False,
    )
