"""`make http`: sends every request of http/*.http to a service of its own and checks the answers.

Twice, since whoever clicks through a file does so again. It fails for a wrong answer, for a
request that was not sent or whose answer nothing checks, and for a check that httpyac did not
take for one.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dev import http_variables
from dev.postgres_server import PostgresServer
from dev.redis_server import RedisServer
from dev.service import ROOT, Service
from resume_service.demo import cli
from resume_service.postgres import migrate
from resume_service.settings import Settings

FOLDER = ROOT / "http"
HTTPYAC = str(FOLDER / "node_modules" / ".bin" / "httpyac")
SECRET = "of a service that lives for a minute"  # noqa: S105 - on loopback, and gone with it
TIMES = 2
SECONDS = 300
"""For all files once."""
SHOWN = 500
"""Characters of an answer that is not as it should be."""


def main() -> int:
    files = [Path(name).resolve() for name in sys.argv[1:]] or sorted(FOLDER.glob("*.http"))
    failures = 0
    with tempfile.TemporaryDirectory(prefix="resume-http-") as home, _service(Path(home)) as values:
        for _ in range(TIMES):
            requests = _sent(files, values)
            for file in files:
                its = [each for each in requests if Path(each["fileName"]) == file]
                failures += _told(file.name, list(faults(file.read_text(), its)))
    print(f"{len(files)} files, {TIMES} times: {failures} failures")
    return 1 if failures or not files else 0


@contextmanager
def _service(folder: Path) -> Iterator[dict[str, str]]:
    """A service with the demo and all it needs while in this context; the files' variables."""
    redis, postgres = RedisServer(folder / "redis"), PostgresServer(folder / "pg", fsync="off")
    (folder / "media").mkdir()
    env = {
        "REDIS_URL": redis.url,
        "DATABASE_URL": postgres.url,
        "JWT_SECRET": SECRET,
        "MEDIA_ROOT": str(folder / "media"),
        "STRIPE_WEBHOOK_SECRET": SECRET,
        "WEB_CONCURRENCY": "1",
    }
    service = Service(folder / "service.log", **env)
    try:
        redis.start()
        postgres.start()
        migrate.upgrade(postgres.url)
        settings, password = Settings.from_env(env), cli.made_up_password()
        demo = cli.seed(settings, password).catalogue
        service.start()
        yield http_variables.variables(demo, settings, password, service.address)
    finally:
        service.kill()
        for server in (redis, postgres):
            if server.is_running():
                server.kill()


def _sent(files: Sequence[Path], values: Mapping[str, str]) -> list[dict[str, Any]]:
    """What httpyac says of each request of `files`."""
    given = [f"{name}={value}" for name, value in values.items()]
    command = [HTTPYAC, "send", *map(str, files), "--all", "--json", "--var", *given]
    with tempfile.TemporaryFile("w+") as output:  # it ends before a pipe has taken all
        errors = subprocess.STDOUT
        subprocess.run(command, stdout=output, stderr=errors, check=False, timeout=SECONDS)
        output.seek(0)
        said = output.read()
    try:
        requests: list[dict[str, Any]] = json.loads(said)["requests"]
    except (ValueError, KeyError):
        raise SystemExit(f"httpyac failed: {said[-SHOWN:]}") from None
    return requests


def _told(name: str, found: list[str]) -> int:
    print("\n  ".join([f"{name}: {len(found)} failures", *found]), flush=True)
    return len(found)


def faults(text: str, requests: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What is wrong, by what httpyac says of the requests of a file that holds `text`."""
    written = re.findall(r"^[A-Z]+ \S*\{\{address\}\}", text, re.MULTILINE)
    if len(requests) != len(written) or not written:
        yield f"{len(written)} requests are written, {len(requests)} were sent"
    written = re.findall(r"^\s*\?\?", text, re.MULTILINE)
    made = sum(len(request.get("testResults", [])) for request in requests)
    if made != len(written):
        yield f"{len(written)} checks are written, {made} were made"
    for request in requests:
        yield from _faults_of(request)


def _faults_of(request: Mapping[str, Any]) -> Iterator[str]:
    where = f"line {request['line'] + 1}, {request.get('title') or request.get('name')}"
    answer = request.get("response") or {}
    answered = f"answered {answer.get('statusCode')} {str(answer.get('body'))[:SHOWN]}"
    checks = request.get("testResults", [])
    if not checks:
        yield f"{where}: nothing checks its answer"
    for check in checks:
        if check["status"] != "SUCCESS":
            why = check.get("error", {}).get("displayMessage") or check["message"]
            yield f"{where}: {why}, {answered}"


if __name__ == "__main__":
    sys.exit(main())
