"""`flask flush`, `flask restore` and `flask db-upgrade` do the work of the worker once."""

from __future__ import annotations

import psycopg
import pytest
from click.testing import CliRunner

from dev.service import free_port
from resume_service.postgres import migrate
from resume_service.settings import Settings
from tests.support.archive_stores import settings_of
from tests.support.long_timeouts import app_without_openapi


@pytest.fixture
def run(stores):
    """`run(command, settings)` returns the exit status and the output. The default is `stores`."""

    def invoke(command, settings=None):
        app = app_without_openapi(settings or settings_of(stores.redis, stores.database_url))
        result = CliRunner().invoke(app.cli, [command])
        return result.exit_code, result.output

    return invoke


def test_flush_archives_the_backlog_and_prints_the_counts(run, stores):
    stores.save("v1")
    stores.save("v2")
    stores.cycle()
    stores.save("v1", 20)
    stores.delete("v2")

    assert run("flush") == (0, "1 archived, 1 erased.\n")
    assert stores.row("v1")["position"] == 20


def test_flush_first_restores_a_redis_without_data(run, stores):
    stores.save()
    stores.cycle()
    stores.redis.flushall()

    status, printed = run("flush")

    assert status == 0
    assert "1 restored" in printed
    assert stores.get().position == 10


def test_restore_writes_back_the_missing_points(run, stores):
    for number in range(3):
        stores.save(f"v{number}")
    stores.cycle()
    stores.expire("v1")

    status, printed = run("restore")

    assert status == 0
    assert printed.endswith("1 restored.\n")
    assert stores.get("v1").position == 10
    assert stores.archive.backlog.restored()


def test_db_upgrade_creates_the_tables_and_can_be_repeated(run, stores):
    migrate.downgrade(stores.database_url)

    assert run("db-upgrade")[0] == run("db-upgrade")[0] == 0
    with psycopg.connect(stores.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM watch_archive").fetchone() == (0,)


@pytest.mark.parametrize("command", ["flush", "restore", "db-upgrade"])
def test_without_an_archive_each_command_fails_with_a_message(run, settings, command):
    status, printed = run(command, settings)

    assert (status, printed) == (1, "Error: DATABASE_URL is not set: there is no archive\n")


@pytest.mark.parametrize("command", ["flush", "restore", "db-upgrade"])
def test_an_unreachable_database_gives_a_one_line_error(run, settings, command):
    nowhere = f"postgresql://postgres@127.0.0.1:{free_port()}/postgres"

    status, printed = run(command, Settings(jwt_secret=settings.jwt_secret, database_url=nowhere))

    assert status == 1
    assert printed.startswith("Error: ")
    assert printed.count("\n") == 1
