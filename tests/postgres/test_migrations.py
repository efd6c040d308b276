"""The migrations create the whole schema, and they work in both directions."""

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


def test_schema_file_equals_the_migrated_schema(database):
    assert SCHEMA.read_text() == schema_of(database)


def test_migrations_have_one_head():
    assert len(ScriptDirectory.from_config(migrate.config()).get_heads()) == 1


def test_tables_in_the_code_equal_the_migrated_tables(database):
    with migrate.engine(database).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})

        assert compare_metadata(context, metadata) == []


def test_downgrade_removes_all_tables_and_upgrade_restores_them(database):
    before = schema_of(database)
    migrate.downgrade(database)
    assert tables_of(database) == set()
    migrate.upgrade(database)

    assert schema_of(database) == before


def test_repeated_upgrade_keeps_the_data(stores):
    stores.save()
    stores.cycle()
    migrate.upgrade(stores.database_url)

    assert stores.row()["position"] == 10


def test_filled_database_can_be_downgraded_upgraded_and_filled_again(stores):
    stores.save()
    stores.cycle()
    migrate.downgrade(stores.database_url)
    migrate.upgrade(stores.database_url)
    assert stores.rows() == {}
    stores.pass_time(seconds=1)
    stores.save()
    stores.cycle()

    assert stores.row()["position"] == 10


def test_concurrent_upgrades_migrate_once(database):
    migrate.downgrade(database)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(migrate.upgrade, [database] * 6))

    assert tables_of(database) == set(metadata.tables)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_both_url_schemes_are_accepted(database, scheme):
    migrate.upgrade(database.replace("postgresql", scheme, 1))
