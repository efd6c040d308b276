"""Every environment variable the service reads, typed and checked at start.

`.env.example` lists the same variables with the same defaults; a test holds the two equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from redis.connection import parse_url

from resume_service.redis_url import SENTINEL_SCHEME, RedisUrl

LOG_LEVELS = ("debug", "info", "warning", "error")
SHORTEST_SECRET = 32
"""Bytes of an HS256 secret: no shorter than the hash it keys (RFC 7518, section 3.2)."""
REDIS_OPTIONS_OF_OURS = frozenset(
    {
        "socket_timeout",
        "socket_connect_timeout",
        "retry_on_timeout",
        "retry_on_error",
        "max_connections",
        "protocol",
        "decode_responses",
    }
)
"""Options of a Redis URL that would override what the promise of an answer in time rests on."""

# No `*` or other sign of a regular expression: flask-cors would match one as a prefix.
_an_origin = re.compile(r"https?://[a-z0-9.-]+(:[0-9]+)?", re.IGNORECASE).fullmatch

_a_host = re.compile(r"([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?").fullmatch


class SettingsError(Exception):
    """A variable holds what the service can't use. Its text is one line that names both."""


class _Refused(Exception):
    """Raised by a parser; its text says what the variable takes."""


def whole_number(least: int, most: int, unit: str) -> Callable[[str], int]:
    def parse(text: str) -> int:
        is_number = text.isascii() and text.isdigit() and len(text) <= len(str(most))
        if not (is_number and least <= int(text) <= most):
            raise _Refused(f"a whole number of {unit} from {least} to {most}")
        return int(text)

    return parse


def one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in choices:
            raise _Refused(f"one of {', '.join(choices)}")
        return text.lower()

    return parse


def url(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        takes = _Refused(f"a URL that starts with {' or '.join(f'{s}://' for s in schemes)}")
        try:
            parts = urlsplit(text)
            named = (parts.hostname, parts.port)  # reading the port checks it
        except ValueError:
            raise takes from None
        if parts.scheme not in schemes or not (named[0] or parts.path):
            raise takes
        return text

    return parse


def web_url(text: str) -> str:
    if not urlsplit(url("https", "http")(text)).hostname:
        raise _Refused("a URL that starts with https:// or http:// and a host")
    return text


def redis_url(text: str) -> str:
    one = text if text.startswith("unix:") else _url_of_first_host(text)
    url("redis", "rediss", "unix")(one)
    try:
        options = parse_url(one)  # type: ignore[no-untyped-call]
    except ValueError:
        raise _Refused("a URL whose options redis-py knows") from None
    if not REDIS_OPTIONS_OF_OURS.isdisjoint(options):
        raise _Refused("a URL that leaves time-outs, retries and protocol to the service")
    return text


def _url_of_first_host(text: str) -> str:
    try:
        several = RedisUrl.of(text)
    except ValueError:
        raise _Refused(
            "a URL that starts with redis:// or rediss:// or unix://,"
            f" or {SENTINEL_SCHEME}://host:26379,host:26379/service"
        ) from None
    return several.at(several.hosts[0])


def origins(text: str) -> tuple[str, ...]:
    listed = comma_separated(text)
    for origin in listed:
        if origin != "*" and not _an_origin(origin):
            raise _Refused("origins such as https://example.com, separated by commas, or *")
    return listed


def hosts(text: str) -> tuple[str, ...]:
    listed = tuple(each.lower() for each in comma_separated(text))
    if not all(_a_host(each) for each in listed):
        raise _Refused("hosts such as media.example.com or 10.0.0.5:9000, separated by commas")
    return listed


def folder(text: str) -> str:
    if not (Path(text).is_absolute() and Path(text).is_dir()):
        raise _Refused("the absolute path of a folder that is there")
    return str(Path(text).resolve())


def secret(text: str) -> str:
    if len(text.encode()) < SHORTEST_SECRET:
        raise _Refused(f"at least {SHORTEST_SECRET} bytes")
    return text


def comma_separated(text: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    if not parts:
        raise _Refused("one or more values, separated by commas")
    return parts


def yes_or_no(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise _Refused("true or false")
    return text.lower() == "true"


def _variable(parse: Callable[[str], Any], default: Any = None, *, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"parse": parse, "secret": secret})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the service was told. Each field is the variable of the same name in capitals."""

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
    resume_ttl_days: int = _variable(whole_number(1, 3650, "days"), 30)
    resume_max_points: int = _variable(whole_number(1, 10_000, "points"), 1000)
    resume_wait_replicas: int = _variable(whole_number(0, 5, "replicas"), 0)
    watched_percent: int = _variable(whole_number(1, 100, "percent"), 90)
    flush_interval_seconds: int = _variable(whole_number(1, 3600, "seconds"), 60)
    flush_batch: int = _variable(whole_number(1, 10_000, "points"), 1000)
    signup_open: bool = _variable(yes_or_no, default=True)
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
        """Read the settings from `env`; an empty variable counts as absent.

        Raises SettingsError for the first variable that does not hold what it takes.
        """
        given = {}
        for each in fields(cls):
            name = each.name.upper()
            if text := env.get(name, "").strip():
                given[each.name] = _parsed(name, text, each.metadata)
        if not ("jwt_secret" in given or "jwt_jwks_url" in given):
            raise SettingsError(
                "JWT_SECRET and JWT_JWKS_URL are both empty: set at least one of them,"
                " or no token could be verified"
            )
        settings = cls(**given)
        _check_hosts(settings.redis_url, cluster=settings.redis_cluster)
        return settings


def _check_hosts(address: str, *, cluster: bool) -> None:
    """Raises SettingsError when the URL is not one for a cluster, or only for one."""
    if address.startswith(("unix:", SENTINEL_SCHEME)):
        if cluster:
            raise SettingsError(
                "REDIS_CLUSTER is true, but REDIS_URL is not a redis:// or rediss:// URL"
            )
        return
    several = RedisUrl.of(address)
    if cluster and _database(several):
        raise SettingsError("REDIS_CLUSTER is true, but REDIS_URL names a db: a cluster has only 0")
    if len(several.hosts) > 1 and not cluster:
        raise SettingsError("REDIS_URL names several hosts, which takes REDIS_CLUSTER=true")


def _database(address: RedisUrl) -> int:
    options = parse_url(address.at(address.hosts[0]))  # type: ignore[no-untyped-call]
    return int(options.get("db", 0))


def _parsed(name: str, text: str, metadata: Mapping[str, Any]) -> Any:
    try:
        return metadata["parse"](text)
    except _Refused as refused:
        shown = f"a value of {len(text)} characters" if metadata["secret"] else repr(text)
        raise SettingsError(f"{name} holds {shown}: it takes {refused}") from None
