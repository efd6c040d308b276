"""Where every viewer goes on: resume points over HTTP, kept in Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import redis
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from resume_service import archive_cli, cli, cors, demo_cli, logs, request_cycle
from resume_service.accounts.corporations import Corporations
from resume_service.accounts.sign_in import SignIn
from resume_service.accounts.users import Users
from resume_service.archive.figures import BacklogCollector
from resume_service.archive.history import History
from resume_service.archive.lasting_points import LastingPoints
from resume_service.archive.marks import Marks
from resume_service.auth.issuing import Issuer
from resume_service.auth.tokens import Verifier
from resume_service.catalogue.facts import StoredFacts
from resume_service.catalogue.media import Media
from resume_service.catalogue.remembered_facts import RememberedFacts
from resume_service.catalogue.streams import Streams
from resume_service.catalogue.videos import Videos, delete_videos_of
from resume_service.catalogue.view_logs import ViewLogs
from resume_service.catalogue.viewing import Viewing
from resume_service.dialects import history, playback, progress
from resume_service.dialects import videos as video_progress
from resume_service.error_answers import render_service_error
from resume_service.errors import ServiceError
from resume_service.fast_lane import FastLane
from resume_service.http import Blueprint, RowId
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
from resume_service.services import Accounts, Services, Streaming, system_clock
from resume_service.settings import Settings
from resume_service.v1 import corporations, sign_in, streams, users, videos, view_logs

__version__ = "0.4.0"

LARGEST_BODY = 64 * 1024

BLUEPRINTS = (progress.blp, video_progress.blp, playback.blp, health.blp, metrics_routes.blp)
DATABASE_BLUEPRINTS = (
    history.blp,
    corporations.blp,
    users.blp,
    videos.blp,
    streams.blp,
    view_logs.blp,
)
"""Absent from routes and documentation without DATABASE_URL."""
SIGN_IN_BLUEPRINTS = (sign_in.blp,)
"""Absent, too, without a JWT_SECRET to sign with."""
QUICK_ROUTES = (*progress.QUICK_ROUTES, *video_progress.QUICK_ROUTES, *playback.QUICK_ROUTES)
PUBLIC_ENDPOINTS = frozenset(
    {
        "health.healthz",
        "health.readyz",
        "metrics.metrics",
        *docs.ENDPOINTS,
        "sign_in.login",
        "sign_in.refresh",
        "sign_in.logout",
        "corporations.create",
        "corporations.page",
        "corporations.by_id",
        "corporations.by_name",
        "videos.offered",
        "videos.by_id",
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
    services = _services(settings, client, clock)
    app.extensions["resume_service"] = services
    request_cycle.install(app, PUBLIC_ENDPOINTS)
    app.register_error_handler(ServiceError, render_service_error)
    api = docs.describe(app, __version__)
    for blueprint in _blueprints(settings):
        api.register_blueprint(blueprint)
    commands = (cli.token_command(settings), demo_cli.command(settings))
    for command in (*commands, *archive_cli.commands(settings)):
        app.cli.add_command(command)
    origin_headers = cors.install(app, settings.cors_origins)
    if settings.trusted_proxies:
        only_the_client = {"x_proto": 0, "x_host": 0, "x_port": 0, "x_prefix": 0}
        proxied = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, **only_the_client)
        app.wsgi_app = proxied  # type: ignore[method-assign]
    lane = FastLane(app, services, QUICK_ROUTES, origin_headers, LARGEST_BODY)
    app.wsgi_app = lane  # type: ignore[method-assign]
    return app


def _blueprints(settings: Settings) -> Iterator[Blueprint]:
    yield from BLUEPRINTS
    if settings.database_url:
        yield from DATABASE_BLUEPRINTS
        if settings.jwt_secret:
            yield from SIGN_IN_BLUEPRINTS


def _accounts(settings: Settings, database: Database) -> Accounts:
    issuer = Issuer.from_settings(settings)
    return Accounts(
        corporations=Corporations(database, delete_videos_of),
        users=Users(database),
        sign_in=SignIn(
            database=database,
            issuer=issuer,
            access_lifetime=timedelta(minutes=settings.access_token_minutes),
            refresh_lifetime=timedelta(days=settings.refresh_token_days),
        )
        if issuer
        else None,
    )


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
    media = Media.from_settings(settings)
    router = RedisRouter(servers, wait_replicas=settings.resume_wait_replicas, wait_ms=timeout // 2)
    rules = Rules.from_settings(settings)
    points = ResumeStore(router, keys, rules, archive=database is not None)
    archive = History(database) if database else None
    facts = RememberedFacts(StoredFacts(database), database) if database else None
    return Services(
        verifier=Verifier.from_settings(settings),
        points=points,
        lasting=LastingPoints(points, archive),
        viewing=Viewing(facts),
        database=database,
        archive=archive,
        backlog=BacklogCollector(marks, clock) if database else None,
        videos=facts,
        accounts=_accounts(settings, database) if database else None,
        catalogue=Videos(database) if database else None,
        signup_open=settings.signup_open,
        streaming=_streaming(settings, database, media, clock) if database else None,
        media=media,
        turns=Turns(router),
        clock=clock,
    )


def _streaming(
    settings: Settings, database: Database, media: Media, clock: Callable[[], datetime]
) -> Streaming:
    logs_of_views = ViewLogs(database, settings.points_per_view)
    return Streaming(
        streams=Streams(database, media, logs_of_views, clock),
        view_logs=logs_of_views,
    )
