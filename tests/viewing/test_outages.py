"""Without Postgres or Redis, the lists respond within a second."""

from __future__ import annotations

import time

import psycopg
import pytest

from dev.redis_server import RedisServer
from dev.service import Service, free_port
from resume_service.postgres import migrate
from tests.support.catalogue_rows import Catalogue
from tests.support.eventually import eventually
from tests.support.load_clients import Viewer
from tests.support.server_faults import frozen, killed
from tests.support.tokens import SECRET

MAX_SECONDS = 1.0
OLD_FACTS_SECONDS = 1.5
"""After this time without Postgres, the cache uses facts only because Postgres is unreachable."""
LISTS = ("/api/v1/viewing/continue", "/api/v1/viewing/next-up")


@pytest.fixture(scope="module")
def site(postgres_servers, tmp_path_factory):
    """A service with its own Redis and Postgres, which the tests disturb."""
    folder = tmp_path_factory.mktemp("site")
    postgres, server = postgres_servers(), RedisServer(folder / "redis", port=free_port())
    env = {"REDIS_URL": server.url, "DATABASE_URL": postgres.url, "JWT_SECRET": SECRET}
    service = Service(folder / "service.log", **env, WEB_CONCURRENCY="1")
    try:
        postgres.start()
        server.start()
        migrate.upgrade(postgres.url)
        service.start()
        yield postgres, server, service
    finally:
        service.kill()
        server.kill()
        if postgres.is_running():
            postgres.kill()


@pytest.fixture
def ann(site):
    """A viewer of a service that has cached the video 1, but not the video 2."""
    postgres, _, service = site
    with psycopg.connect(postgres.url, autocommit=True) as sql:
        sql.execute("DELETE FROM videos")
        for number in (1, 2):
            Catalogue(sql).add_video(number)
    ann = Viewer(service.port)
    for number in (1, 2):
        eventually(lambda n=number: ann.save(str(n), 50, duration=100).status == 204)
    eventually(lambda: len(ann.ask("GET", LISTS[0]).json["items"]) == 2)
    assert ann.ask("DELETE", "/api/progress/ann/2").status == 204
    eventually(lambda: [shown(ann) for _ in range(3)] == [[1]] * 3)
    return ann


def shown(ann):
    return [item["video"]["id"] for item in ann.ask("GET", LISTS[0]).json["items"]]


def respond_without_postgres(ann):
    begun, following = (ann.ask("GET", path) for path in LISTS)
    assert (begun.status, following.status) == (200, 503)
    assert [item["video"]["id"] for item in begun.json["items"]] == [1]
    assert int(following.headers["Retry-After"]) >= 1
    assert max(begun.seconds, following.seconds) < MAX_SECONDS
    return True


@pytest.mark.alone
@pytest.mark.parametrize("fault", [frozen, killed], ids=lambda each: each.__name__)
def test_without_postgres_continue_shows_known_videos_and_next_up_is_503(site, ann, fault):
    postgres, _, _ = site
    with psycopg.connect(postgres.url, autocommit=True) as sql:
        Catalogue(sql).add_video(3)
    with fault(postgres):
        assert ann.save("3", 50, duration=100).status == 204
        noticed = time.monotonic() + OLD_FACTS_SECONDS
        eventually(lambda: respond_without_postgres(ann) and time.monotonic() > noticed)
        marked = ann.ask("PUT", "/v1/series/7/watched")
        assert (marked.status, marked.seconds < MAX_SECONDS) == (503, True)

    eventually(lambda: shown(ann) == [3, 1])
    eventually(lambda: ann.ask("GET", LISTS[1]).status == 200)


@pytest.mark.alone
@pytest.mark.parametrize("fault", [frozen, killed], ids=lambda each: each.__name__)
def test_without_redis_both_lists_are_503(site, ann, fault):
    _, server, _ = site
    with fault(server):
        responses = [ann.ask("GET", path) for path in LISTS * 3]

    assert {response.status for response in responses} == {503}
    assert max(response.seconds for response in responses) < MAX_SECONDS
    eventually(lambda: {ann.ask("GET", path).status for path in LISTS} == {200})
