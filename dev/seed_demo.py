"""`make seed-demo`: adds the demo data to `make run`, and writes the variables of http/*.http."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dev import http_variables
from dev.postgres_server import PostgresServer
from dev.redis_server import RedisServer
from dev.run import INSTANCE, environment, stored_secret
from dev.service import ROOT
from resume_service.demo import cli
from resume_service.settings import Settings, SettingsError

DOTENV = ROOT / "http" / ".env"
READABLE_BY_ME = 0o600


def main() -> None:
    env = environment()
    stores = {
        "DATABASE_URL": env.get("DATABASE_URL") or _own_postgres(),
        "REDIS_URL": env.get("REDIS_URL") or RedisServer(INSTANCE / "redis").url,
    }
    settings = Settings.from_env(env | stores)
    password = stored_secret("demo-password", cli.made_up_password)
    with cli.one_line_errors():
        demo = cli.seed(settings, password)
    address = f"http://127.0.0.1:{settings.port}"
    print(cli.description(demo, password, address))
    if settings.jwt_secret:
        values = http_variables.variables(demo.catalogue, settings, password, address)
        _write_privately(DOTENV, http_variables.as_dotenv(values))
        print("The requests of http/*.http can be sent from an editor: see http/README.md")


def _own_postgres() -> str:
    """The URL of the Postgres that `make run` has started. Raises SystemExit if it has not."""
    folder = INSTANCE / "postgres"
    if not (folder / "PG_VERSION").exists() or not (server := PostgresServer(folder)).answers():
        raise SystemExit("`make run` is not running: start it first, in another terminal")
    return server.url


def _write_privately(path: Path, text: str) -> None:
    path.touch(mode=READABLE_BY_ME)
    path.write_text(text)


if __name__ == "__main__":
    try:
        main()
    except SettingsError as fault:
        sys.exit(f"resume-service: {fault}")
    except click.ClickException as fault:
        sys.exit(f"seed-demo: {fault.format_message()}")
