"""Builds what the routes work with. Nothing connects before the first request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import redis

from resume_service.accounts.corporations import Corporations
from resume_service.accounts.sign_in import SignIn
from resume_service.accounts.users import Users
from resume_service.archive.backlog import Marks
from resume_service.archive.history import History
from resume_service.archive.metrics import BacklogCollector
from resume_service.auth.issuer import Issuer
from resume_service.auth.verifier import Verifier
from resume_service.catalogue.access import Viewing
from resume_service.catalogue.facts import StoredFacts
from resume_service.catalogue.facts_cache import RememberedFacts
from resume_service.catalogue.streams import Streams
from resume_service.catalogue.videos import Videos, delete_videos_of
from resume_service.catalogue.view_logs import ViewLogs
from resume_service.lessons.school import School
from resume_service.media.source import Media
from resume_service.postgres.database import Database
from resume_service.rate_limits.limiter import Turns
from resume_service.redis.pipeline import RedisBatches
from resume_service.redis.router import RedisRouter
from resume_service.redis.servers import OneServer, connect
from resume_service.resume.keys import Keys
from resume_service.resume.model import Rules
from resume_service.resume.store import ResumeStore
from resume_service.resume.video_points import LastingPoints
from resume_service.settings import Settings
from resume_service.web.services import Accounts, Services, Streaming


def services_of(
    settings: Settings, client: redis.Redis | None, clock: Callable[[], datetime]
) -> Services:
    """The services that `settings` name, on the Redis of `client` where there is one."""
    timeout = settings.redis_timeout_ms
    servers = (
        OneServer(client)
        if client
        else connect(settings.redis_url, timeout, cluster=settings.redis_cluster)
    )
    keys = Keys(hash_tags=settings.redis_cluster)
    router = RedisRouter(servers, wait_replicas=settings.resume_wait_replicas, wait_ms=timeout // 2)
    database = Database(settings.database_url) if settings.database_url else None
    rules = Rules.from_settings(settings)
    points = ResumeStore(router, keys, rules, archive=database is not None)
    archive = History(database) if database else None
    marks = Marks(RedisBatches(servers), keys)
    facts = RememberedFacts(StoredFacts(database), database) if database else None
    media = Media.from_settings(settings)
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
        streaming=_streaming(settings, database, media, clock) if database else None,
        school=School.on(database, settings) if database else None,
        media=media,
        signup_open=settings.signup_open,
        turns=Turns(router),
        clock=clock,
    )


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


def _streaming(
    settings: Settings, database: Database, media: Media, clock: Callable[[], datetime]
) -> Streaming:
    logs_of_views = ViewLogs(database, settings.points_per_view)
    return Streaming(
        streams=Streams(database, media, logs_of_views, clock),
        view_logs=logs_of_views,
    )
