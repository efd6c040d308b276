"""The data of `make bench-viewing`: a large catalogue, and viewers with many points."""

from __future__ import annotations

import os
import random
import time

import psycopg

from dev.redis_server import RedisServer
from resume_service.archive.cycle import ArchiveCycle
from resume_service.clock import system_clock
from resume_service.redis.operation import run
from resume_service.resume.model import Measurement
from resume_service.resume.store import ResumeStore
from resume_service.settings import Settings
from resume_service.wiring import build_services

EPISODES = 100
"""Episodes of each series, in seasons of ten."""
WATCHED = 20
"""Points of a viewer in one series."""
LENGTH = 1500
"""Duration of each video in seconds."""
BATCH = 100
"""Saves in one round trip."""
MINUTE_MS = 60_000

VIDEOS = """
INSERT INTO videos (name, kind, published, series_id, season_number, episode_number,
                    duration_seconds, file_path)
SELECT 'Episode ' || number, 'episode', true, series, 1 + number / 10, 1 + number % 10, {length},
       'episode.mp4'
  FROM generate_series(1, {series}) AS series, generate_series(0, {episodes} - 1) AS number
"""
# Rows of other viewers fill the tables, so that plans and caches are as in production.
OTHERS = """
INSERT INTO watch_archive (user_id, video_id, position, duration, percent, watched, completed,
                           updated_at)
SELECT 'other-' || viewer, (1 + (viewer * 7919 + number * 131) % {videos})::text, 500, {length},
       33.33, false, false, now() - interval '1 minute' * ((viewer * 61 + number * 977) % 50000)
  FROM generate_series(1, {viewers}) AS viewer, generate_series(1, 60) AS number
ON CONFLICT DO NOTHING
"""
ARCHIVED = """
INSERT INTO watch_archive (user_id, video_id, position, duration, percent, watched, completed,
                           updated_at)
SELECT %(user)s, id::text, {length}, {length}, 100, true, true,
       now() - interval '400 days' + interval '1 minute' * (season_number * 10 + episode_number)
  FROM videos
 WHERE series_id = ANY(%(series)s) AND season_number <= {seasons}
"""


def fill_catalogue(url: str, series: int, other_viewers: int) -> None:
    sizes = {
        "series": series,
        "episodes": EPISODES,
        "length": LENGTH,
        "videos": series * EPISODES,
        "viewers": other_viewers,
    }
    with psycopg.connect(url, autocommit=True) as sql:
        for statement in (VIDEOS, OTHERS):
            sql.execute(statement.format(**sizes).encode())


def settle(url: str) -> None:
    """Do now what Postgres would do in the background after a large import."""
    with psycopg.connect(url, autocommit=True) as sql:
        sql.execute("VACUUM ANALYZE")
        sql.execute("CHECKPOINT")
    os.sync()  # otherwise Redis, which syncs each write, would wait for the pages of Postgres


def add_archived(url: str, user: str, series: list[int], seasons: int) -> None:
    """Add points that only the archive has: the first `seasons` seasons of each series."""
    statement = ARCHIVED.format(length=LENGTH, seasons=seasons)
    with psycopg.connect(url, autocommit=True) as sql:
        sql.execute(statement.encode(), {"user": user, "series": series})


def add_points(url: str, server: RedisServer, viewers: dict[str, list[int]], secret: str) -> None:
    """Save points as players do, and flush them. `viewers` has the series of each viewer.

    In each series, a viewer has watched all but the last of WATCHED episodes. In every second
    series, the last one is in progress.
    """
    settings = Settings(jwt_secret=secret, redis_url=server.url, database_url=url)
    store = build_services(settings, None, system_clock).get(ResumeStore)
    chance = random.Random(1)  # noqa: S311 - not for a secret
    now_ms = time.time_ns() // 1_000_000
    for user, series in viewers.items():
        ids: list[tuple[int, float]] = []
        for number, each in enumerate(series):
            first = 1 + (each - 1) * EPISODES + chance.randrange(EPISODES - WATCHED)
            ids += [(first + place, LENGTH) for place in range(WATCHED - 1)]
            ids.append((first + WATCHED - 1, LENGTH * (0.5 if number % 2 else 1)))
        saves = [
            Measurement(user, str(video), now_ms, position, LENGTH, age_ms=place * MINUTE_MS)
            for place, (video, position) in enumerate(reversed(ids))
        ]
        for start in range(0, len(saves), BATCH):
            run(store.batch(saves[start : start + BATCH]))
    archive = ArchiveCycle.of(settings, system_clock)
    archive.backlog.set_restored(done=True)
    archive.cycle()
