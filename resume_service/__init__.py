"""The resume point service: an HTTP API for the positions of viewers in videos."""

from __future__ import annotations

from collections.abc import Iterator

import click
import flask
import structlog
from flask import Flask
from redis import Redis
from werkzeug.middleware.proxy_fix import ProxyFix

from resume_service.accounts import permissions
from resume_service.accounts.routes import corporations, sign_in, users
from resume_service.archive import routes as history
from resume_service.auth.cli import token_command
from resume_service.catalogue.routes import streams, videos, view_logs
from resume_service.clock import Clock, system_clock
from resume_service.demo import cli as demo_cli
from resume_service.errors import ServiceError
from resume_service.lessons.routes import completions, course, dashboard, enrollments, stripe
from resume_service.lessons.routes import lessons as lesson_routes
from resume_service.lessons.routes import modules as module_routes
from resume_service.live import routes as live
from resume_service.player_page import routes as watch
from resume_service.postgres import cli as postgres_cli
from resume_service.resume.routes import batch, marks, playback, progress, rate
from resume_service.settings import Settings
from resume_service.telemetry import logs
from resume_service.viewing.routes import lists, series
from resume_service.web import cors, lifecycle
from resume_service.web.blueprint import Blueprint, RowId
from resume_service.web.error_responses import render_service_error
from resume_service.web.fast_lane import FastLane
from resume_service.web.routes import docs, health, home, metrics, site
from resume_service.wiring import build_services
from resume_service.worker import cli as worker_cli

__version__ = "0.4.0"

_log = structlog.get_logger(__name__)

LARGEST_BODY = 64 * 1024
"""Maximum size of a request body in bytes. The service answers a larger body with 413."""

BLUEPRINTS = (
    progress.blp,
    marks.blp,
    batch.blp,
    live.blp,
    rate.blp,
    playback.blp,
    home.blp,
    health.blp,
    metrics.blp,
)
DATABASE_BLUEPRINTS = (
    history.blp,
    corporations.blp,
    users.blp,
    videos.blp,
    streams.blp,
    view_logs.blp,
    completions.blp,
    course.blp,
    module_routes.blp,
    lesson_routes.blp,
    enrollments.blp,
    lists.blp,
    series.blp,
)
"""Registered only if DATABASE_URL is set. Otherwise the OpenAPI document omits these routes."""
SIGN_IN_BLUEPRINTS = (sign_in.blp,)
"""Registered only if DATABASE_URL and JWT_SECRET are set. JWT_SECRET signs the tokens."""
BILLING_BLUEPRINTS = (stripe.blp,)
"""Registered only if DATABASE_URL and STRIPE_WEBHOOK_SECRET are set."""
PAGES: tuple[flask.Blueprint, ...] = (site.blp,)
"""HTML pages and their files. The OpenAPI document omits them."""
DATABASE_PAGES: tuple[flask.Blueprint, ...] = (dashboard.blp,)
"""The same, registered only if DATABASE_URL is set. So is `/watch`, if its player package is there."""
FAST_ROUTES = (
    *progress.FAST_ROUTES,
    *marks.FAST_ROUTES,
    *batch.FAST_ROUTES,
    *live.FAST_ROUTES,
    *rate.FAST_ROUTES,
    *playback.FAST_ROUTES,
)
"""The routes that the fast lane answers before Flask (see `web/fast_lane.py`)."""
DATABASE_FAST_ROUTES = lists.FAST_ROUTES
"""The same, only if DATABASE_URL is set."""
PUBLIC_ENDPOINTS = frozenset(
    {
        "home.home",
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
        *site.ENDPOINTS,
        *dashboard.ENDPOINTS,
        *watch.ENDPOINTS,
    }
)
"""The endpoints of the routes that need no token. Every other route requires a token."""


def create_app(
    settings: Settings,
    *,
    client: Redis | None = None,
    clock: Clock = system_clock,
) -> Flask:
    """Create the Flask application. The application opens no connection before its first request.

    Tests pass a Redis client as `client`, and a clock that they control as `clock`.
    """
    logs.configure(settings.log_level)
    app = Flask(__name__, static_folder=None)
    # Otherwise Flask sorts the fields of a JSON response by name.
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.merge_slashes = False  # so a path with an empty id gets 404
    app.url_map.converters["row"] = RowId
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    services = build_services(settings, client, clock)
    app.extensions["resume_service"] = services
    lifecycle.install(app, PUBLIC_ENDPOINTS, clock)
    if settings.database_url:
        permissions.install(app)
    app.register_error_handler(ServiceError, render_service_error)
    api = docs.describe(app, __version__, settings)
    for blueprint in _blueprints(settings):
        api.register_blueprint(blueprint)
    for page in _pages(settings):
        app.register_blueprint(page)
    for command in _commands(settings):
        app.cli.add_command(command)
    origin_headers = cors.install(app, settings.cors_origins)
    if settings.trusted_proxies:
        ignored_headers = {"x_proto": 0, "x_host": 0, "x_port": 0, "x_prefix": 0}
        proxied = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, **ignored_headers)
        app.wsgi_app = proxied  # type: ignore[method-assign]
    fast_routes = FAST_ROUTES + (DATABASE_FAST_ROUTES if settings.database_url else ())
    fast_lane = FastLane(app, services, clock, fast_routes, origin_headers)
    app.wsgi_app = fast_lane  # type: ignore[method-assign]
    return app


def _commands(settings: Settings) -> Iterator[click.Command]:
    yield token_command(settings)
    yield demo_cli.command(settings)
    yield postgres_cli.command(settings)
    yield from worker_cli.commands(settings)


def _pages(settings: Settings) -> Iterator[flask.Blueprint]:
    yield from PAGES
    if settings.database_url:
        yield from DATABASE_PAGES
        if watch.PACKAGE.is_dir():
            yield watch.blp
        else:
            _log.warning("no page /watch: its player package is missing", folder=str(watch.PACKAGE))


def _blueprints(settings: Settings) -> Iterator[Blueprint]:
    yield from BLUEPRINTS
    if settings.database_url:
        yield from DATABASE_BLUEPRINTS
        if settings.jwt_secret:
            yield from SIGN_IN_BLUEPRINTS
        if settings.stripe_webhook_secret:
            yield from BILLING_BLUEPRINTS
