"""What a warm poll costs in the APIs over a catalogue: one round trip to Redis, no SQL."""

from __future__ import annotations

import contextlib

import pytest

from resume_service.archive.history import History
from resume_service.catalogue.facts_cache import FactsCache
from resume_service.postgres.database import Database
from resume_service.redis.client import new_client
from resume_service.settings import Settings
from tests.resume.test_cost_of_a_save import CountingProxy
from tests.support.archive_stores import settings_of
from tests.support.catalogue_rows import Catalogue, close
from tests.support.eventually import eventually
from tests.support.long_timeouts import long_timeout_app
from tests.support.recorded_sql import statements_of
from tests.support.three_apis import Speaker
from tests.support.tokens import SECRET

ROUNDS = 10


@pytest.fixture
def proxy(stores):
    proxy = CountingProxy(stores.redis.connection_pool.connection_kwargs["port"])
    yield proxy
    proxy.close()


@pytest.fixture
def app_of(proxy, no_hurry):
    """`app_of(settings)`: the application, with the proxy before its Redis."""
    with contextlib.ExitStack() as ends:

        def app(settings):
            redis = new_client(f"redis://127.0.0.1:{proxy.port}/0", 20)
            made = long_timeout_app(settings, client=redis)
            if settings.database_url:
                ends.callback(close, made)
            return made

        yield app


@pytest.fixture(params=["without a catalogue", "with one"])
def stand(request, stores, proxy, app_of):
    """A viewer of a warm service, the proxy before its Redis, and the SQL that it executes."""
    for number in (1, 2):
        Catalogue(stores.sql).video(number, kind="movie")
    settings = settings_of(stores.redis, stores.database_url)
    if request.param == "without a catalogue":
        settings = Settings(jwt_secret=SECRET)
    app = app_of(settings)
    ann = Speaker(app.test_client())
    memory = app.extensions["resume_service"].find(FactsCache)
    for number in (1, 2):
        assert ann.rate(5, number).status_code == 200
        if memory:
            eventually(lambda n=number: memory.facts(n) is memory.facts(n))
    database = app.extensions["resume_service"].find(Database)
    with statements_of(database) if database else contextlib.nullcontext([]) as executed:
        yield ann, proxy, executed


POLLS = {
    "a rate": lambda ann, number: ann.rate(number),
    "a rate read": lambda ann, _: ann.get("/videos/1/progress"),
    "a position": lambda ann, number: ann.play(number),
    "a position read": lambda ann, _: ann.get("/api/v1/playback/movie/1"),
}


@pytest.mark.parametrize("poll", POLLS)
def test_a_warm_poll_is_one_round_trip_and_no_sql(stand, poll):
    ann, proxy, executed = stand
    trips = proxy.trips

    statuses = {POLLS[poll](ann, number).status_code for number in range(ROUNDS)}

    assert statuses == {200}
    assert proxy.trips - trips == ROUNDS
    assert executed == []


def test_what_is_refused_costs_neither(stand):
    ann, proxy, executed = stand
    trips = proxy.trips

    statuses = [ann.rate(101).status_code, ann.play(-1).status_code, ann.rate(5, "x").status_code]

    assert statuses == [422, 422, 404]
    assert proxy.trips == trips
    assert executed == []


def test_only_the_first_save_of_a_video_asks_the_archive_what_it_knew(stores, app_of):
    Catalogue(stores.sql).video(7)
    app = app_of(settings_of(stores.redis, stores.database_url))
    ann, asked = Speaker(app.test_client()), []
    archive = app.extensions["resume_service"].get(History)
    find, archive.find = archive.find, lambda *ids: asked.append(ids) or find(*ids)

    for rate in range(3):
        ann.rate(rate, 7)

    assert asked == [("ann", "7")]
