"""Reads and checks all environment variables of the service at its start.

`.env.example` lists the same variables and the same defaults. A test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from redis.connection import parse_url

from resume_service.settings.parsers import (
    InvalidValue,
    comma_separated,
    folder,
    hosts,
    one_of,
    origins,
    redis_url,
    secret,
    url,
    web_url,
    whole_number,
    yes_or_no,
)
from resume_service.settings.redis_url import SENTINEL_SCHEME, RedisUrl

LOG_LEVELS = ("debug", "info", "warning", "error")
PLANS = ("FREE", "PAID")
LONGEST_TTL_DAYS = 3650
"""The largest value of RESUME_TTL_DAYS."""
SHORTEST_SAVE_INTERVAL, LONGEST_SAVE_INTERVAL = 5, 60
"""The limits of RESUME_EVERY_SECONDS."""


class SettingsError(Exception):
    """A variable has an invalid value.

    The message is one line with the variable, its value and the accepted values. Instead of the
    value of a secret, the message contains only its length.
    """


def _variable(parse: Callable[[str], Any], default: Any = None, *, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"parse": parse, "secret": secret})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The configuration. A field contains the value of the variable with the same name in capitals."""

    redis_url: str = _variable(redis_url, "redis://localhost:6379/0", secret=True)
    redis_cluster: bool = _variable(yes_or_no, default=False)
    redis_timeout_ms: int = _variable(whole_number(10, 450, "milliseconds"), 300)
    database_url: str | None = _variable(url("postgresql", "postgres"), secret=True)
    jwt_secret: str | None = _variable(secret, secret=True)
    jwt_jwks_url: str | None = _variable(web_url)
    jwt_issuer: str | None = _variable(str)
    jwt_audience: str | None = _variable(str)
    jwt_authorized_parties: tuple[str, ...] = _variable(comma_separated, ())
    jwt_trust_claims: bool = _variable(yes_or_no, default=False)
    resume_ttl_days: int = _variable(whole_number(1, LONGEST_TTL_DAYS, "days"), 30)
    resume_max_points: int = _variable(whole_number(1, 10_000, "points"), 1000)
    resume_wait_replicas: int = _variable(whole_number(0, 5, "replicas"), 0)
    resume_every_seconds: int | None = _variable(
        whole_number(SHORTEST_SAVE_INTERVAL, LONGEST_SAVE_INTERVAL, "seconds")
    )
    live_streams: int = _variable(whole_number(0, 10_000, "streams"), 5000)
    watched_percent: int = _variable(whole_number(1, 100, "percent"), 90)
    flush_interval_seconds: int = _variable(whole_number(1, 3600, "seconds"), 60)
    flush_batch: int = _variable(whole_number(1, 10_000, "points"), 1000)
    signup_open: bool = _variable(yes_or_no, default=True)
    signup_plan: str = _variable(one_of(*PLANS), "FREE")
    access_token_minutes: int = _variable(whole_number(1, 1440, "minutes"), 15)
    refresh_token_days: int = _variable(whole_number(1, 365, "days"), 28)
    points_per_view: int = _variable(whole_number(0, 10_000, "points"), 10)
    lesson_writes_per_minute: int = _variable(whole_number(1, 10_000, "writes"), 10)
    stripe_webhook_secret: str | None = _variable(str, secret=True)
    stream_allowed_hosts: tuple[str, ...] = _variable(hosts, ())
    media_root: str | None = _variable(folder)
    trusted_proxies: int = _variable(whole_number(0, 10, "proxies"), 0)
    cors_origins: tuple[str, ...] = _variable(origins, ())
    port: int = _variable(whole_number(1, 65_535, "a TCP port"), 8000)
    worker_port: int = _variable(whole_number(1, 65_535, "a TCP port"), 8002)
    web_concurrency: int | None = _variable(whole_number(1, 256, "processes"))
    log_level: str = _variable(one_of(*LOG_LEVELS), "info")

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read the settings from `env`. For an empty variable, the default is used.

        Raises SettingsError for the first invalid variable.
        """
        values = {}
        for setting in fields(cls):
            name = setting.name.upper()
            if text := env.get(name, "").strip():
                values[setting.name] = _parsed(name, text, setting.metadata)
        if not ("jwt_secret" in values or "jwt_jwks_url" in values):
            raise SettingsError(
                "JWT_SECRET and JWT_JWKS_URL are both empty: set at least one of them,"
                " or no token could be verified"
            )
        settings = cls(**values)
        _check_hosts(settings.redis_url, cluster=settings.redis_cluster)
        return settings


def _check_hosts(address: str, *, cluster: bool) -> None:
    """Raise SettingsError if REDIS_URL and REDIS_CLUSTER do not fit together."""
    if address.startswith(("unix:", SENTINEL_SCHEME)):
        if cluster:
            raise SettingsError(
                "REDIS_CLUSTER is true, but REDIS_URL is not a redis:// or rediss:// URL"
            )
        return
    parsed = RedisUrl.of(address)
    if cluster and _database(parsed):
        raise SettingsError("REDIS_CLUSTER is true, but REDIS_URL names a db: a cluster has only 0")
    if len(parsed.hosts) > 1 and not cluster:
        raise SettingsError("REDIS_URL names several hosts, which takes REDIS_CLUSTER=true")


def _database(address: RedisUrl) -> int:
    options = parse_url(address.at(address.hosts[0]))  # type: ignore[no-untyped-call]
    return int(options.get("db", 0))


def _parsed(name: str, text: str, metadata: Mapping[str, Any]) -> Any:
    try:
        return metadata["parse"](text)
    except InvalidValue as invalid:
        shown = f"a value of {len(text)} characters" if metadata["secret"] else repr(text)
        raise SettingsError(f"{name} holds {shown}: it takes {invalid}") from None
