"""`make run`: runs the service, its worker, Redis and Postgres until Ctrl-C.

Redis and Postgres start before the service and stop after the service and the worker. So no
acknowledged save is lost. Settings come from the environment, then from `.env`. Missing secrets are
generated and stored under `instance/`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shlex
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping

import honcho.environ
import redis
from honcho.manager import Manager
from sqlalchemy.exc import SQLAlchemyError

from dev.postgres_server import PostgresServer
from dev.redis_server import RedisServer
from dev.service import ROOT, answers, free_port
from resume_service.auth.cli import token_for
from resume_service.postgres import migrate
from resume_service.settings import Settings, SettingsError

INSTANCE = ROOT / "instance"
VIEWER = "ann"
READY_SECONDS = 30.0
ANNOUNCE_AFTER_SECONDS = 0.3
"""honcho must fork its processes before this process starts a second thread."""
STOPPED_BY_USER = (130, 143)  # honcho's return codes for SIGINT and SIGTERM


def main() -> int:
    """Run until interrupted. Returns the exit status of the service."""
    env = environment()
    settings = Settings.from_env(env)
    _require_free(settings.port)
    with _only_one(), _postgres(env) as database_url, _redis(env) as redis_url:
        _migrate(database_url)
        return _serve(env | {"REDIS_URL": redis_url, "DATABASE_URL": database_url}, settings.port)


def environment() -> dict[str, str]:
    """The service's environment, without the URLs of the servers that `make run` starts."""
    INSTANCE.mkdir(mode=0o700, exist_ok=True)
    dotenv = ROOT / ".env"
    env = honcho.environ.parse(dotenv.read_text()) if dotenv.exists() else {}
    env |= os.environ
    if sys.stdout.isatty():
        env["FORCE_COLOR"] = "1"  # the service itself sees a pipe to honcho, not the terminal
    env["WORKER_PORT"] = env.get("WORKER_PORT") or str(free_port())
    if not (env.get("JWT_SECRET") or env.get("JWT_JWKS_URL")):
        env["JWT_SECRET"] = stored_secret("jwt-secret", lambda: secrets.token_hex(32))
    if not env.get("MEDIA_ROOT"):
        (INSTANCE / "media").mkdir(exist_ok=True)
        env["MEDIA_ROOT"] = str(INSTANCE / "media")
    return env


def stored_secret(name: str, generate: Callable[[], str]) -> str:
    """The secret in the file `name` of `instance/`. Generates and stores it on first use."""
    path = INSTANCE / name
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(generate())
    return path.read_text()


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as fault:
            raise SystemExit(
                f"Port {port} can't be used ({fault.strerror}): name another, as in"
                f" PORT={port % 60_000 + 1} make run"
            ) from None


@contextlib.contextmanager
def _only_one() -> Iterator[None]:
    """Lock `instance/`: two Redis servers on one folder would corrupt its data."""
    with (INSTANCE / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SystemExit(f"Another `make run` uses {INSTANCE}: stop it first") from None
        yield


@contextlib.contextmanager
def _redis(env: Mapping[str, str]) -> Iterator[str]:
    """Yields REDIS_URL, or the URL of a Redis that runs in this context."""
    if env.get("REDIS_URL"):
        yield env["REDIS_URL"]
        return
    server = RedisServer(INSTANCE / "redis", config=ROOT / "deploy" / "redis.conf")
    with contextlib.suppress(redis.ConnectionError):
        server.client.shutdown()  # a Redis that a killed `make run` left running
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


@contextlib.contextmanager
def _postgres(env: Mapping[str, str]) -> Iterator[str]:
    """Yields DATABASE_URL, or the URL of a Postgres that runs in this context."""
    if env.get("DATABASE_URL"):
        yield env["DATABASE_URL"]
        return
    server = PostgresServer(INSTANCE / "postgres")
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


def _migrate(database_url: str) -> None:
    try:
        migrate.upgrade(database_url)
    except SQLAlchemyError as fault:
        raise SystemExit(f"DATABASE_URL can't be used: {' '.join(str(fault).split())}") from None


def _serve(env: dict[str, str], port: int) -> int:
    """Run web server and worker until one of them ends or the user stops them."""
    gunicorn = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}"]
    manager = Manager()
    manager.add_process("web", f"exec {shlex.join(gunicorn)}", env=env, cwd=str(ROOT))
    worker = [sys.executable, "-m", "resume_service.worker", "--host", "127.0.0.1"]
    manager.add_process("worker", f"exec {shlex.join(worker)}", env=env, cwd=str(ROOT))
    announcement = threading.Timer(ANNOUNCE_AFTER_SECONDS, _announce, (env, port))
    announcement.daemon = True
    announcement.start()
    manager.loop()
    return 0 if manager.returncode in STOPPED_BY_USER else int(manager.returncode or 0)


def _announce(env: Mapping[str, str], port: int) -> None:
    """Print example commands as soon as the service is ready."""
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + READY_SECONDS
    while not answers(port, "/readyz"):
        if time.monotonic() > deadline:
            print(f"Not ready after {READY_SECONDS:.0f} s: see {address}/readyz", flush=True)
            return
        time.sleep(0.05)
    print(_instructions(address, env), flush=True)


def _instructions(address: str, env: Mapping[str, str]) -> str:
    lines = [
        "",
        f"Ready at {address} (docs at {address}/docs). Ctrl-C stops it.",
        f"Watch videos in a browser: {address}/watch. `{_seed_line(address)}` adds some, with a user.",
    ]
    if not env.get("JWT_SECRET"):
        return "\n".join([*lines, "Tokens come from the issuer of JWT_JWKS_URL.", ""])
    token = token_for(VIEWER, Settings.from_env(env))
    body = json.dumps({"clerkId": VIEWER, "tmdbId": "12345", "currentTime": 60, "duration": 5400})
    bearer = f"-H 'Authorization: Bearer {token}'"
    return "\n".join(
        [
            *lines,
            f"A token for the viewer {VIEWER}, good for a day:",
            f"  {token}",
            "Save a point:",
            f"  curl -i {address}/api/progress {bearer} -H 'Content-Type: application/json' -d '{body}'",
            "Read it back:",
            f"  curl -i {address}/api/progress/{VIEWER}/12345 {bearer}",
            "Add companies, users, videos and a course to try things with, in another terminal:",
            f"  {_seed_line(address)}",
            "",
        ]
    )


def _seed_line(address: str) -> str:
    port = address.rpartition(":")[2]
    return "make seed-demo" if int(port) == Settings.port else f"PORT={port} make seed-demo"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SettingsError as fault:
        sys.exit(f"resume-service: {fault}")
    except KeyboardInterrupt:
        sys.exit(0)
