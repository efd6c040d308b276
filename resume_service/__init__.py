"""Where every viewer goes on: resume points over HTTP, kept in Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import flask
import redis
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from resume_service.accounts.routes import corporations, sign_in, users
from resume_service.archive import routes
from resume_service.auth.cli import token_command
from resume_service.catalogue.routes import streams, videos, view_logs
from resume_service.clock import system_clock
from resume_service.demo import cli as demo_cli
from resume_service.errors import ServiceError
from resume_service.lessons.routes import completions, course, enrollments, stripe
from resume_service.lessons.routes import dashboard as dashboard
from resume_service.lessons.routes import lessons as kept_lessons
from resume_service.lessons.routes import modules as kept_modules
from resume_service.postgres import cli as postgres_cli
from resume_service.resume.routes import playback, progress
from resume_service.resume.routes import rate as video_progress
from resume_service.settings import Settings
from resume_service.telemetry import logs
from resume_service.web import cors, lifecycle
from resume_service.web.blueprint import Blueprint, RowId
from resume_service.web.error_responses import render_service_error
from resume_service.web.fast_lane import FastLane
from resume_service.web.routes import docs, health
from resume_service.web.routes import (
    metrics as metrics_routes,  # not to hide resume_service.metrics
)
from resume_service.wiring import build_services
from resume_service.worker import cli as worker_cli

__version__ = "0.4.0"

LARGEST_BODY = 64 * 1024

BLUEPRINTS = (progress.blp, video_progress.blp, playback.blp, health.blp, metrics_routes.blp)
DATABASE_BLUEPRINTS = (
    routes.blp,
    corporations.blp,
    users.blp,
    videos.blp,
    streams.blp,
    view_logs.blp,
    completions.blp,
    course.blp,
    kept_modules.blp,
    kept_lessons.blp,
    enrollments.blp,
)
"""Absent from routes and documentation without DATABASE_URL, as the next three."""
SIGN_IN_BLUEPRINTS = (sign_in.blp,)
"""Absent, too, without a JWT_SECRET to sign with."""
BILLING_BLUEPRINTS = (stripe.blp,)
"""Absent, too, without STRIPE_WEBHOOK_SECRET."""
PAGES: tuple[flask.Blueprint, ...] = (dashboard.blp,)
"""For people: not in the documentation."""
FAST_ROUTES = (*progress.FAST_ROUTES, *video_progress.FAST_ROUTES, *playback.FAST_ROUTES)
PUBLIC_ENDPOINTS = frozenset(
    {
        "health.healthz",
        "health.readyz",
        "metrics.metrics",
        "sign_in.login",
        "sign_in.refresh",
        "sign_in.logout",
        "corporations.create",
        "corporations.page",
        "corporations.by_id",
        "corporations.by_name",
        "videos.offered",
        "videos.by_id",
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
    app.url_map.converters["row"] = RowId
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    services = build_services(settings, client, clock)
    app.extensions["resume_service"] = services
    lifecycle.install(app, PUBLIC_ENDPOINTS, clock)
    app.register_error_handler(ServiceError, render_service_error)
    api = docs.describe(app, __version__)
    for blueprint in _blueprints(settings):
        api.register_blueprint(blueprint)
    for page in PAGES if settings.database_url else ():
        app.register_blueprint(page)
    commands = (
        token_command(settings),
        demo_cli.command(settings),
        postgres_cli.command(settings),
    )
    for command in (*commands, *worker_cli.commands(settings)):
        app.cli.add_command(command)
    origin_headers = cors.install(app, settings.cors_origins)
    if settings.trusted_proxies:
        only_the_client = {"x_proto": 0, "x_host": 0, "x_port": 0, "x_prefix": 0}
        proxied = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, **only_the_client)
        app.wsgi_app = proxied  # type: ignore[method-assign]
    lane = FastLane(app, services, clock, FAST_ROUTES, origin_headers)
    app.wsgi_app = lane  # type: ignore[method-assign]
    return app


def _blueprints(settings: Settings) -> Iterator[Blueprint]:
    yield from BLUEPRINTS
    if settings.database_url:
        yield from DATABASE_BLUEPRINTS
        if settings.jwt_secret:
            yield from SIGN_IN_BLUEPRINTS
        if settings.stripe_webhook_secret:
            yield from BILLING_BLUEPRINTS
