"""The schema comes from the migrations alone, and they go both ways."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from dev.schema import SCHEMA, schema_of
from resume_service.postgres import migrate
from resume_service.tables import metadata


def tables_of(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {name for (name,) in found} - {"alembic_version"}


def test_the_schema_file_is_what_the_migrations_make(database):
    assert SCHEMA.read_text() == schema_of(database)


def test_there_is_one_head():
    assert len(ScriptDirectory.from_config(migrate.config()).get_heads()) == 1


def test_the_tables_in_the_code_are_those_of_the_migrations(database):
    with migrate.engine(database).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})

        assert compare_metadata(context, metadata) == []


def test_migrations_go_up_from_nothing_down_to_nothing_and_up_again(database):
    before = schema_of(database)
    migrate.downgrade(database)
    assert tables_of(database) == set()
    migrate.upgrade(database)

    assert schema_of(database) == before


def test_migrating_a_filled_database_again_keeps_what_it_holds(stores):
    stores.save()
    stores.cycle()
    migrate.upgrade(stores.database_url)

    assert stores.row()["position"] == 10


def test_a_filled_database_goes_down_and_up_and_is_filled_again(stores):
    stores.save()
    stores.cycle()
    migrate.downgrade(stores.database_url)
    migrate.upgrade(stores.database_url)
    assert stores.rows() == {}
    stores.save()
    stores.cycle()

    assert stores.row()["position"] == 10


def test_replicas_that_start_together_migrate_once(database):
    migrate.downgrade(database)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(migrate.upgrade, [database] * 6))

    assert tables_of(database) == set(metadata.tables)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_both_spellings_of_a_url_are_taken(database, scheme):
    migrate.upgrade(database.replace("postgresql", scheme, 1))
