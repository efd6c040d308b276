"""A slow statement ends in Postgres too, not only for its caller."""

from __future__ import annotations

import gc

import psycopg
import pytest
import sqlalchemy

from resume_service.errors import Unavailable
from resume_service.postgres.database import Database
from tests.support.eventually import eventually

SLEEP = sqlalchemy.text("SELECT pg_sleep(30)")


@pytest.fixture
def accounts(emptied_database):
    database = Database(emptied_database)
    yield database
    database.close()


def sleepers(url):
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"
        )
        return found.fetchone()[0]


def test_postgres_cancels_a_slow_statement(accounts, emptied_database):
    with pytest.raises(Unavailable), accounts.transaction() as sql:
        sql.execute(SLEEP)

    eventually(lambda: sleepers(emptied_database) == 0, within=1)


def test_longer_limit_applies_to_one_transaction_only(accounts):
    with accounts.transaction() as sql:
        accounts.allow(sql, 5.0)
        sql.execute(sqlalchemy.text("SELECT pg_sleep(0.6)"))
    with pytest.raises(Unavailable), accounts.transaction() as sql:
        sql.execute(sqlalchemy.text("SELECT pg_sleep(0.6)"))


def test_invalid_statement_raises_data_error_not_unavailable(accounts):
    with pytest.raises(sqlalchemy.exc.DataError), accounts.transaction() as sql:
        sql.execute(sqlalchemy.text("SELECT 1 / 0"))


def test_connections_close_when_the_database_is_garbage_collected(emptied_database):
    marked = f"{emptied_database}&application_name=let-go"
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'let-go'"

    def left():
        with psycopg.connect(emptied_database) as sql:
            return sql.execute(query).fetchone()[0]

    database = Database(marked)
    database.rows(sqlalchemy.select(1))
    assert left() == 1

    circle = [database]
    circle.append(circle)
    del database, circle
    gc.collect()
    eventually(lambda: left() == 0, within=5)
