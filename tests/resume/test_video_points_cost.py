"""The cost of a warm request to the catalogue APIs: one round trip to Redis, no SQL."""

from __future__ import annotations

import contextlib

import pytest

from resume_service.archive.history import History
from resume_service.catalogue.facts_cache import FactsCache
from resume_service.postgres.database import Database
from resume_service.redis.client import new_client
from resume_service.settings import Settings
from tests.support.archive_stores import settings_of
from tests.support.catalogue_rows import Catalogue, close_postgres_connections
from tests.support.counting_redis import CountingProxy
from tests.support.eventually import eventually
from tests.support.long_timeouts import long_timeout_app
from tests.support.recorded_sql import statements_of
from tests.support.three_apis import ApiClient
from tests.support.tokens import SECRET

ROUNDS = 10


@pytest.fixture
def proxy(stores):
    proxy = CountingProxy(stores.redis.connection_pool.connection_kwargs["port"])
    yield proxy
    proxy.close()


@pytest.fixture
def app_of(proxy, long_catalogue_timeouts):
    """`app_of(settings)`: the application, with the proxy before its Redis."""
    with contextlib.ExitStack() as ends:

        def app(settings):
            redis = new_client(f"redis://127.0.0.1:{proxy.port}/0", 20)
            made = long_timeout_app(settings, client=redis)
            if settings.database_url:
                ends.callback(close_postgres_connections, made)
            return made

        yield app


@pytest.fixture(params=["without a catalogue", "with one"])
def warm(request, stores, proxy, app_of):
    """A client of the warm service, the proxy before its Redis, and the executed SQL."""
    for number in (1, 2):
        Catalogue(stores.sql).add_video(number, kind="movie")
    settings = settings_of(stores.redis, stores.database_url)
    if request.param == "without a catalogue":
        settings = Settings(jwt_secret=SECRET)
    app = app_of(settings)
    ann = ApiClient(app.test_client())
    cache = app.extensions["resume_service"].find(FactsCache)
    for number in (1, 2):
        assert ann.save_rate(5, number).status_code == 200
        if cache:
            eventually(lambda n=number: cache.facts(n) is cache.facts(n))
    database = app.extensions["resume_service"].find(Database)
    with statements_of(database) if database else contextlib.nullcontext([]) as executed:
        yield ann, proxy, executed


REQUESTS = {
    "a rate": lambda ann, number: ann.save_rate(number),
    "a rate read": lambda ann, _: ann.get("/videos/1/progress"),
    "a position": lambda ann, number: ann.save_playback(number),
    "a position read": lambda ann, _: ann.get("/api/v1/playback/movie/1"),
}


@pytest.mark.parametrize("request_kind", REQUESTS)
def test_warm_request_is_one_round_trip_and_no_sql(warm, request_kind):
    ann, proxy, executed = warm
    trips = proxy.trips

    statuses = {REQUESTS[request_kind](ann, number).status_code for number in range(ROUNDS)}

    assert statuses == {200}
    assert proxy.trips - trips == ROUNDS
    assert executed == []


def test_refused_requests_cost_no_round_trip_and_no_sql(warm):
    ann, proxy, executed = warm
    trips = proxy.trips

    statuses = [
        ann.save_rate(101).status_code,
        ann.save_playback(-1).status_code,
        ann.save_rate(5, "x").status_code,
    ]

    assert statuses == [422, 422, 404]
    assert proxy.trips == trips
    assert executed == []


def test_only_the_first_save_of_a_video_reads_the_archive(stores, app_of):
    Catalogue(stores.sql).add_video(7)
    app = app_of(settings_of(stores.redis, stores.database_url))
    ann, asked = ApiClient(app.test_client()), []
    archive = app.extensions["resume_service"].get(History)
    find, archive.find = archive.find, lambda *ids: asked.append(ids) or find(*ids)

    for rate in range(3):
        ann.save_rate(rate, 7)

    assert asked == [("ann", "7")]
