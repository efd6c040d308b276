"""A statement that takes too long ends in Postgres too, not only for who waited."""

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


def test_postgres_gives_a_statement_up_before_its_caller_does(accounts, emptied_database):
    with pytest.raises(Unavailable), accounts.transaction() as sql:
        sql.execute(SLEEP)

    eventually(lambda: sleepers(emptied_database) == 0, within=1)


def test_what_is_allowed_to_take_longer_may_and_the_next_transaction_may_not(accounts):
    with accounts.transaction() as sql:
        accounts.allow(sql, 5.0)
        sql.execute(sqlalchemy.text("SELECT pg_sleep(0.6)"))
    with pytest.raises(Unavailable), accounts.transaction() as sql:
        sql.execute(sqlalchemy.text("SELECT pg_sleep(0.6)"))


def test_what_postgres_can_not_take_is_no_outage(accounts):
    with pytest.raises(sqlalchemy.exc.DataError), accounts.transaction() as sql:
        sql.execute(sqlalchemy.text("SELECT 1 / 0"))


def test_a_database_that_nobody_holds_any_more_closes_its_connections(emptied_database):
    marked = f"{emptied_database}&application_name=let-go"
    mine = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'let-go'"

    def left():
        with psycopg.connect(emptied_database) as sql:
            return sql.execute(mine).fetchone()[0]

    database = Database(marked)
    database.rows(sqlalchemy.select(1))
    assert left() == 1

    circle = [database]
    circle.append(circle)
    del database, circle
    gc.collect()
    eventually(lambda: left() == 0, within=5)
