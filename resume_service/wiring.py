"""Builds the services that the settings enable.

No service opens a connection before its first use.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import redis

from resume_service.accounts.corporations import Corporations
from resume_service.accounts.sign_in import SignIn
from resume_service.accounts.users import Users
from resume_service.archive.backlog import Backlog
from resume_service.archive.history import History
from resume_service.archive.metrics import BacklogCollector
from resume_service.auth.issuer import Issuer
from resume_service.auth.verifier import Verifier
from resume_service.catalogue.access import CatalogueAccess
from resume_service.catalogue.facts import FactsQuery
from resume_service.catalogue.facts_cache import FactsCache
from resume_service.catalogue.streams import Streams
from resume_service.catalogue.videos import Videos, delete_videos_of
from resume_service.catalogue.view_logs import ViewLogs
from resume_service.clock import Clock, system_clock
from resume_service.lessons.completions import Completions
from resume_service.lessons.course import Lessons, Modules
from resume_service.lessons.enrollments import Enrollments
from resume_service.lessons.stripe_events import Subscriptions
from resume_service.live.streams import LiveStreams
from resume_service.media.source import MediaSource
from resume_service.postgres.database import Database
from resume_service.rate_limits.limiter import RateLimiter
from resume_service.redis.pipeline import Pipeline
from resume_service.redis.round_trip import ReplicaWait
from resume_service.redis.router import RedisRouter
from resume_service.redis.servers import OneServer, Servers, connect
from resume_service.resume.archived_points import NoArchive
from resume_service.resume.keys import Keys
from resume_service.resume.model import PointSettings
from resume_service.resume.point_events import PointEvents
from resume_service.resume.point_scan import PointScan
from resume_service.resume.store import ResumeStore
from resume_service.resume.video_access import AnyVideo
from resume_service.resume.video_points import VideoPoints
from resume_service.settings import Settings
from resume_service.telemetry.metrics import SaveIntervalCollector, SharedCollectors
from resume_service.viewing.continue_watching import ContinueWatching
from resume_service.viewing.next_up import NextUp
from resume_service.viewing.series_marks import SeriesMarks
from resume_service.viewing.viewers import Viewers
from resume_service.web.readiness import Readiness
from resume_service.web.save_responses import SaveResponses
from resume_service.web.services import Services


def build_services(settings: Settings, client: redis.Redis | None, clock: Clock) -> Services:
    """Build the services that `settings` enable.

    If `client` is given, the services use it instead of a connection to `settings.redis_url`.
    """
    servers = OneServer(client) if client else _redis_servers(settings)
    keys = Keys(hash_tags=settings.redis_cluster)
    router = RedisRouter(
        servers,
        ReplicaWait(settings.resume_wait_replicas, settings.redis_timeout_ms // 2),
    )
    point_settings = PointSettings.from_settings(settings)
    with_archive = settings.database_url is not None
    points = ResumeStore(
        router,
        keys,
        point_settings,
        archive=with_archive,
        fixed_clock=clock is not system_clock,
    )
    media = MediaSource.from_settings(settings)
    verifier = Verifier.from_settings(settings)
    live = LiveStreams(router, keys, points, settings.live_streams, clock)
    every = settings.resume_every_seconds
    responses, interval = SaveResponses(every), SaveIntervalCollector(every)
    common = (settings, verifier, router, RateLimiter(router), points, live, media, responses)
    if settings.database_url is None:
        readiness = Readiness(router, None)
        video_points = VideoPoints(points, AnyVideo(), NoArchive())
        shared = SharedCollectors((interval,))
        return Services(*common, shared, readiness, video_points, PointEvents(points, NoArchive()))
    database = Database(settings.database_url)
    facts = FactsCache(FactsQuery(database), database)
    backlog = BacklogCollector(Backlog(Pipeline(servers), keys), clock)
    return Services(
        *common,
        Readiness(router, database),
        database,
        SharedCollectors((interval, backlog)),
        *_archived_points(database, points, facts),
        *_accounts(settings, database),
        *_catalogue(settings, database, media, clock),
        *_lessons(settings, database),
        *_viewing(database, points, facts, PointScan(router, keys, point_settings)),
    )


def _redis_servers(settings: Settings) -> Servers:
    return connect(settings.redis_url, settings.redis_timeout_ms, cluster=settings.redis_cluster)


def _archived_points(
    database: Database, points: ResumeStore, facts: FactsCache
) -> Iterator[object]:
    history = History(database)
    yield history
    yield facts
    yield VideoPoints(points, CatalogueAccess(facts), history)
    yield PointEvents(points, history)


def _accounts(settings: Settings, database: Database) -> Iterator[object]:
    yield Corporations(database, delete_videos_of)
    yield Users(database)
    issuer = Issuer.from_settings(settings)
    if issuer:
        yield SignIn(
            database=database,
            issuer=issuer,
            access_lifetime=timedelta(minutes=settings.access_token_minutes),
            refresh_lifetime=timedelta(days=settings.refresh_token_days),
        )


def _catalogue(
    settings: Settings, database: Database, media: MediaSource, clock: Clock
) -> Iterator[object]:
    view_logs = ViewLogs(database, settings.points_per_view)
    yield Videos(database)
    yield view_logs
    yield Streams(database, media, view_logs, clock)


def _lessons(settings: Settings, database: Database) -> Iterator[object]:
    yield Modules(database)
    yield Lessons(database)
    yield Enrollments(database)
    yield Completions(database)
    if settings.stripe_webhook_secret:
        yield Subscriptions(database, settings.stripe_webhook_secret)


def _viewing(
    database: Database, points: ResumeStore, facts: FactsCache, scan: PointScan
) -> Iterator[object]:
    yield Viewers(database)
    yield ContinueWatching(scan, facts)
    yield NextUp(scan, database)
    yield SeriesMarks(scan, points, database)
