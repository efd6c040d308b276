"""What a variable may hold: each parser here takes its text and returns it typed, or raises Refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from redis.connection import parse_url

from resume_service.settings.redis_url import SENTINEL_SCHEME, RedisUrl

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


class InvalidValue(Exception):
    """Its text says what the variable takes."""


def whole_number(least: int, most: int, unit: str) -> Callable[[str], int]:
    def parse(text: str) -> int:
        is_number = text.isascii() and text.isdigit() and len(text) <= len(str(most))
        if not (is_number and least <= int(text) <= most):
            raise InvalidValue(f"a whole number of {unit} from {least} to {most}")
        return int(text)

    return parse


def one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in choices:
            raise InvalidValue(f"one of {', '.join(choices)}")
        return text.lower()

    return parse


def url(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        takes = InvalidValue(f"a URL that starts with {' or '.join(f'{s}://' for s in schemes)}")
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
        raise InvalidValue("a URL that starts with https:// or http:// and a host")
    return text


def redis_url(text: str) -> str:
    one = text if text.startswith("unix:") else _url_of_first_host(text)
    url("redis", "rediss", "unix")(one)
    try:
        options = parse_url(one)  # type: ignore[no-untyped-call]
    except ValueError:
        raise InvalidValue("a URL whose options redis-py knows") from None
    if not REDIS_OPTIONS_OF_OURS.isdisjoint(options):
        raise InvalidValue("a URL that leaves time-outs, retries and protocol to the service")
    return text


def _url_of_first_host(text: str) -> str:
    try:
        several = RedisUrl.of(text)
    except ValueError:
        raise InvalidValue(
            "a URL that starts with redis:// or rediss:// or unix://,"
            f" or {SENTINEL_SCHEME}://host:26379,host:26379/service"
        ) from None
    return several.at(several.hosts[0])


def origins(text: str) -> tuple[str, ...]:
    listed = comma_separated(text)
    for origin in listed:
        if origin != "*" and not _an_origin(origin):
            raise InvalidValue("origins such as https://example.com, separated by commas, or *")
    return listed


def hosts(text: str) -> tuple[str, ...]:
    listed = tuple(each.lower() for each in comma_separated(text))
    if not all(_a_host(each) for each in listed):
        raise InvalidValue("hosts such as media.example.com or 10.0.0.5:9000, separated by commas")
    return listed


def folder(text: str) -> str:
    if not (Path(text).is_absolute() and Path(text).is_dir()):
        raise InvalidValue("the absolute path of a folder that is there")
    return str(Path(text).resolve())


def secret(text: str) -> str:
    if len(text.encode()) < SHORTEST_SECRET:
        raise InvalidValue(f"at least {SHORTEST_SECRET} bytes")
    return text


def comma_separated(text: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    if not parts:
        raise InvalidValue("one or more values, separated by commas")
    return parts


def yes_or_no(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise InvalidValue("true or false")
    return text.lower() == "true"
