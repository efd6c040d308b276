"""`make http`: starts a service, sends it every request of http/*.http and checks the responses.

It sends all files twice, because users send a file more than once. It fails for:

- a wrong response,
- a request that was not sent,
- a request without a check of its response,
- a check that httpyac did not run.
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
SECRET = "of a service that lives for a minute"  # noqa: S105 - only for this service on loopback
TIMES = 2
SECONDS = 300
"""Time limit to send all files once."""
SHOWN = 500
"""Characters of a wrong response that the error shows."""


def main() -> int:
    files = [Path(name).resolve() for name in sys.argv[1:]] or sorted(FOLDER.glob("*.http"))
    failures = 0
    with tempfile.TemporaryDirectory(prefix="resume-http-") as home, _service(Path(home)) as values:
        for _ in range(TIMES):
            requests = _send(files, values)
            for file in files:
                of_file = [each for each in requests if Path(each["fileName"]) == file]
                failures += _report(file.name, list(faults(file.read_text(), of_file)))
    print(f"{len(files)} files, {TIMES} times: {failures} failures")
    return 1 if failures or not files else 0


@contextmanager
def _service(folder: Path) -> Iterator[dict[str, str]]:
    """Run a service with the demo data in this context. Yields the variables of the files."""
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


def _send(files: Sequence[Path], values: Mapping[str, str]) -> list[dict[str, Any]]:
    """Send the requests of `files` with httpyac. Returns its result for each request."""
    variables = [f"{name}={value}" for name, value in values.items()]
    command = [HTTPYAC, "send", *map(str, files), "--all", "--json", "--var", *variables]
    with tempfile.TemporaryFile("w+") as output:  # httpyac exits before a pipe has all its output
        errors = subprocess.STDOUT
        subprocess.run(command, stdout=output, stderr=errors, check=False, timeout=SECONDS)
        output.seek(0)
        text = output.read()
    try:
        requests: list[dict[str, Any]] = json.loads(text)["requests"]
    except (ValueError, KeyError):
        raise SystemExit(f"httpyac failed: {text[-SHOWN:]}") from None
    return requests


def _report(name: str, failures: list[str]) -> int:
    print("\n  ".join([f"{name}: {len(failures)} failures", *failures]), flush=True)
    return len(failures)


def faults(text: str, requests: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Compare a file's `text` with httpyac's results for its requests. Yields each failure."""
    written = re.findall(r"^[A-Z]+ \S*\{\{address\}\}", text, re.MULTILINE)
    if len(requests) != len(written) or not written:
        yield f"{len(written)} requests are written, {len(requests)} were sent"
    written = re.findall(r"^\s*\?\?", text, re.MULTILINE)
    done = sum(len(request.get("testResults", [])) for request in requests)
    if done != len(written):
        yield f"{len(written)} checks are written, {done} were made"
    for request in requests:
        yield from _faults_of(request)


def _faults_of(request: Mapping[str, Any]) -> Iterator[str]:
    where = f"line {request['line'] + 1}, {request.get('title') or request.get('name')}"
    response = request.get("response") or {}
    answered = f"answered {response.get('statusCode')} {str(response.get('body'))[:SHOWN]}"
    checks = request.get("testResults", [])
    if not checks:
        yield f"{where}: nothing checks its answer"
    for check in checks:
        if check["status"] != "SUCCESS":
            reason = check.get("error", {}).get("displayMessage") or check["message"]
            yield f"{where}: {reason}, {answered}"


if __name__ == "__main__":
    sys.exit(main())
