"""The daily maintenance of accounts by the worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from dev.service import ROOT, free_port
from resume_service.accounts.maintenance import MaintenanceResult, run_maintenance
from tests.support.eventually import eventually
from tests.support.long_timeouts import long_timeout_database
from tests.support.tokens import SECRET

NOW = datetime.now(UTC)


@pytest.fixture
def accounts(emptied_database):
    with closing(long_timeout_database(emptied_database)) as database:
        yield database


def plans(sql):
    return {
        name: (plan, expires)
        for name, plan, expires in sql.execute(
            "SELECT name, plan, plan_expires_at FROM corporations"
        )
    }


def test_expired_plans_become_free_and_other_plans_stay(accounts, sql, create_company):
    later = NOW + timedelta(days=1)
    create_company("lapsed", expires=NOW - timedelta(seconds=1))
    create_company("paying", expires=later)
    create_company("forever")
    create_company("free", plan="FREE")

    assert run_maintenance(accounts, NOW) == MaintenanceResult(plans_expired=1, tokens_forgotten=0)
    assert plans(sql) == {
        "lapsed": ("FREE", None), "paying": ("PAID", later), "forever": ("PAID", None),
        "free": ("FREE", None),
    }  # fmt: skip
    assert run_maintenance(accounts, NOW).plans_expired == 0


def test_refresh_tokens_are_deleted_30_days_after_they_expire(accounts, sql, acme):
    for days in (-1, 29, 31):
        sql.execute(
            "INSERT INTO refresh_tokens (user_id, family, token_hash, created_at, expires_at)"
            " VALUES (%s, gen_random_uuid(), %s, now(), %s)",
            (acme.admin_id, str(days).encode(), NOW - timedelta(days=days)),
        )

    assert run_maintenance(accounts, NOW).tokens_forgotten == 1
    assert len(sql.execute("SELECT 1 FROM refresh_tokens").fetchall()) == 2


def test_the_worker_runs_maintenance_when_it_starts(
    emptied_database, real_redis, create_company, sql, tmp_path
):
    create_company("lapsed", expires=NOW - timedelta(days=1))
    port = real_redis.connection_pool.connection_kwargs["port"]
    env = {
        "PATH": os.environ["PATH"], "JWT_SECRET": SECRET, "DATABASE_URL": emptied_database,
        "REDIS_URL": f"redis://127.0.0.1:{port}/0", "WORKER_PORT": str(free_port()),
    }  # fmt: skip
    with (tmp_path / "log").open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "resume_service.worker", "--host", "127.0.0.1"],
            cwd=ROOT, env=env, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        eventually(lambda: plans(sql)["lapsed"] == ("FREE", None))
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait()
