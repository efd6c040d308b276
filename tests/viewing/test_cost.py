"""The cost of the lists: round trips to Redis and SQL statements."""

from __future__ import annotations

import contextlib

import pytest

from resume_service.catalogue.facts_cache import FactsCache
from resume_service.postgres.database import Database
from resume_service.redis.client import new_client
from tests.support.archive_stores import settings_of
from tests.support.catalogue_rows import close_postgres_connections
from tests.support.counting_redis import CountingProxy
from tests.support.eventually import eventually
from tests.support.fixtures.companies import SERVICE
from tests.support.long_timeouts import long_timeout_app
from tests.support.recorded_sql import statements_of

ROUNDS = 5
SERIES = 30


@pytest.fixture
def cost(viewer, real_redis, emptied_database, long_catalogue_timeouts):
    """`cost(name, **query)`: the round trips and SQL statements of each warm call."""
    proxy = CountingProxy(real_redis.connection_pool.connection_kwargs["port"])
    redis = new_client(f"redis://127.0.0.1:{proxy.port}/0", 20)
    settings = settings_of(real_redis, emptied_database)
    app = long_timeout_app(settings, client=redis, clock=viewer.clock)
    services = app.extensions["resume_service"]
    own, viewer.http = viewer.http, app.test_client()

    def measure(name, *, headers=None, **query):
        wait_for_notifications(viewer, services.get(FactsCache))
        viewer.get(name, headers, **query)
        costs = set()
        for _ in range(ROUNDS):
            trips = proxy.trips
            with statements_of(services.get(Database)) as executed:
                response = viewer.get(name, headers, **query)
            assert response.status_code == 200
            costs.add((proxy.trips - trips, len(executed)))
        [only] = costs
        return only

    yield measure
    viewer.http = own
    close_postgres_connections(app)
    proxy.close()


def wait_for_notifications(viewer, cache):
    """Return when all notifications of earlier commits have arrived: they arrive in order."""
    label = f"after {len(viewer.ids)} videos"
    viewer.add(label, series=None)
    number = viewer.ids[label]
    eventually(lambda: cache.facts_of([number]) and cache.cached_facts_of([number]))
    viewer.sql.execute("UPDATE videos SET name = 'changed' WHERE id = %s", [number])
    eventually(lambda: cache.facts_of([number])[number].name == "changed")


@pytest.fixture
def binge(viewer):
    """Many series, each with a watched episode, one in progress in every second series."""
    for number in range(SERIES):
        first, second = f"1x{number + 1}", f"2x{number + 1}"
        viewer.add(first, second, series=100 + number)
        viewer.watch(first)
        if number % 2:
            viewer.watch(second, percent=50)
    return viewer


def test_a_warm_continue_is_one_or_two_round_trips_and_no_sql(binge, cost):
    assert cost("continue", limit=5) == (1, 0)
    assert cost("continue") == (1, 0)
    binge.add("missing", "hidden", series=None)
    binge.watch("missing", "hidden", percent=50)
    binge.sql.execute("DELETE FROM videos WHERE id = %s", [binge.ids["missing"]])
    binge.change("hidden", published=False)

    assert cost("continue") == (1, 0)


def test_a_page_that_needs_all_points_is_two_round_trips(binge, cost):
    binge.add(*[f"3x{number}" for number in range(1, 40)])
    binge.watch(*[f"3x{number}" for number in range(1, 40)], percent=50)

    assert cost("continue", limit=3) == (2, 0)


def test_next_up_is_one_statement_for_any_number_of_series(binge, cost):
    assert cost("next-up") == (2, 1)
    assert len(binge.next_up()) == SERIES // 2


def test_next_up_is_one_statement_after_marks_of_archived_points(binge, cost):
    binge.expire()
    binge.mark("1x1", "dismissed")

    assert cost("next-up") == (2, 1)


@pytest.mark.parametrize("name", ["continue", "next-up"])
def test_a_service_costs_no_more_for_an_account(binge, cost, name):
    assert cost(name, headers=SERVICE, userId=binge.company.guest_id) == cost(name)


def test_a_cold_continue_is_one_statement(binge):
    services = binge.http.application.extensions["resume_service"]
    services.get(FactsCache).on_change(None)
    with contextlib.ExitStack() as ends:
        executed = ends.enter_context(statements_of(services.get(Database)))
        assert len(binge.continuing()) == SERIES // 2

    assert len(executed) == 1
