"""The contestants and their commands: one process each, in its best configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.options import HERE
from dev.service import ROOT

PEERS = HERE / "peers"
NODE_PEERS = PEERS / "node"
GO_PEERS = PEERS / "go"
FLASK_THREADS = 32
GRANIAN = (
    "{python} -m granian --interface wsgi --workers 1 --blocking-threads 32 --http 1 --no-ws"
    " --host 127.0.0.1 --port {port} --log-level warning"
)
FASTPYSGI = "{python} -m bench.peers.fastpysgi_server {port}"
CLOSED_PORT_URL = "postgresql://bench@127.0.0.1:1/bench"
"""With a DATABASE_URL, the service writes backlog entries. No save connects to this address."""


@dataclass(frozen=True, kw_only=True)
class Contestant:
    name: str
    title: str
    command: str
    """Command line with the placeholders {python} and {port}."""
    packages: tuple[str, ...]
    """Packages to report versions of, in the language of the contestant."""
    directory: Path = ROOT
    program: Path | None = None
    """A file that must have been built. Without it, the contestant is left out."""
    is_ours: bool = False
    is_ceiling: bool = False

    @property
    def is_installed(self) -> bool:
        return self.program is None or self.program.exists()


CONTESTANTS = (
    Contestant(
        name="ours",
        title="resume-service, gunicorn",
        command="{python} -m gunicorn",
        packages=("flask", "gunicorn", "gevent", "redis", "hiredis"),
        is_ours=True,
    ),
    Contestant(
        name="ours-granian",
        title="resume-service, granian",
        command=f"{GRANIAN} wsgi:app",
        packages=("flask", "granian", "redis", "hiredis"),
        is_ours=True,
    ),
    Contestant(
        name="flask",
        title="plain Flask, gunicorn gthread",
        command="{python} -m gunicorn --workers 1 --worker-class gthread"
        f" --threads {FLASK_THREADS} --keep-alive 75 --bind 127.0.0.1:{{port}} plain_flask:app",
        packages=("flask", "gunicorn", "marshmallow", "pyjwt", "redis", "hiredis"),
        directory=PEERS,
    ),
    Contestant(
        name="fastapi",
        title="FastAPI, uvicorn",
        command="{python} -m uvicorn --workers 1 --loop uvloop --http httptools --no-access-log"
        " --log-level warning --timeout-keep-alive 75 --host 127.0.0.1 --port {port}"
        " fastapi_app:app",
        packages=(
            *("fastapi", "uvicorn", "uvloop", "httptools", "pydantic", "pyjwt"),
            *("redis", "hiredis"),
        ),
        directory=PEERS,
    ),
    Contestant(
        name="express",
        title="Express",
        command="node express.js",
        packages=("express", "ioredis", "fast-jwt", "zod"),
        directory=NODE_PEERS,
    ),
    Contestant(
        name="fastify",
        title="Fastify",
        command="node fastify.js",
        packages=("fastify", "ioredis", "fast-jwt"),
        directory=NODE_PEERS,
    ),
    Contestant(
        name="fastpysgi",
        title="plain WSGI, fastpysgi",
        command=f"{FASTPYSGI} bench.peers.plain_wsgi:app",
        packages=("fastpysgi", "pyjwt", "redis", "hiredis"),
    ),
    Contestant(
        name="go",
        title="Go, net/http",
        command="./server",
        packages=("golang-go", "golang-github-gomodule-redigo-dev"),
        directory=GO_PEERS,
        program=GO_PEERS / "server",
    ),
    Contestant(
        name="noop",
        title="no-op WSGI, gunicorn as ours",
        command="{python} -m gunicorn bench.peers.noop:app",
        packages=("gunicorn", "gevent"),
        is_ceiling=True,
    ),
    Contestant(
        name="noop-granian",
        title="no-op WSGI, granian as ours",
        command=f"{GRANIAN} bench.peers.noop:app",
        packages=("granian",),
        is_ceiling=True,
    ),
    Contestant(
        name="noop-fastpysgi",
        title="no-op WSGI, fastpysgi",
        command=f"{FASTPYSGI} bench.peers.noop:app",
        packages=("fastpysgi",),
        is_ceiling=True,
    ),
)
