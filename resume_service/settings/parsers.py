"""Parsers of environment variables.

Each parser takes the text of a variable and returns a typed value. It raises InvalidValue if the
text is not valid.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from redis.connection import parse_url

from resume_service.settings.redis_url import SENTINEL_SCHEME, RedisUrl

SHORTEST_SECRET = 32
"""Minimum number of bytes of an HS256 secret, from RFC 7518, section 3.2."""
RESERVED_REDIS_OPTIONS = frozenset(
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
"""Options that REDIS_URL must not set, because the service sets them itself."""

# An origin must not contain regex characters such as `*`. flask-cors would use such an origin as a
# regex, and accept each origin that begins with a match.
_is_origin = re.compile(r"https?://[a-z0-9.-]+(:[0-9]+)?", re.IGNORECASE).fullmatch

_is_host = re.compile(r"([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?").fullmatch


class InvalidValue(Exception):
    """A text is not a valid value. The message describes the accepted values."""


def whole_number(least: int, most: int, unit: str) -> Callable[[str], int]:
    def parse(text: str) -> int:
        is_number = text.isascii() and text.isdigit() and len(text) <= len(str(most))
        if not (is_number and least <= int(text) <= most):
            raise InvalidValue(f"a whole number of {unit} from {least} to {most}")
        return int(text)

    return parse


def one_of(*choices: str) -> Callable[[str], str]:
    """Accept a choice in upper or lower case. The value is spelled as in `choices`."""
    by_lower_case = {choice.lower(): choice for choice in choices}

    def parse(text: str) -> str:
        if text.lower() not in by_lower_case:
            raise InvalidValue(f"one of {', '.join(choices)}")
        return by_lower_case[text.lower()]

    return parse


def url(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        invalid = InvalidValue(f"a URL that starts with {' or '.join(f'{s}://' for s in schemes)}")
        try:
            parts = urlsplit(text)
            host, _ = parts.hostname, parts.port  # reading the port checks it
        except ValueError:
            raise invalid from None
        if parts.scheme not in schemes or not (host or parts.path):
            raise invalid
        return text

    return parse


def web_url(text: str) -> str:
    if not urlsplit(url("https", "http")(text)).hostname:
        raise InvalidValue("a URL that starts with https:// or http:// and a host")
    return text


def redis_url(text: str) -> str:
    single = text if text.startswith("unix:") else _url_of_first_host(text)
    url("redis", "rediss", "unix")(single)
    try:
        options = parse_url(single)  # type: ignore[no-untyped-call]
    except ValueError:
        raise InvalidValue("a URL whose options redis-py knows") from None
    if not RESERVED_REDIS_OPTIONS.isdisjoint(options):
        raise InvalidValue("a URL that leaves time-outs, retries and protocol to the service")
    return text


def _url_of_first_host(text: str) -> str:
    try:
        parsed = RedisUrl.of(text)
    except ValueError:
        raise InvalidValue(
            "a URL that starts with redis:// or rediss:// or unix://,"
            f" or {SENTINEL_SCHEME}://host:26379,host:26379/service"
        ) from None
    return parsed.at(parsed.hosts[0])


def origins(text: str) -> tuple[str, ...]:
    listed = comma_separated(text)
    for origin in listed:
        if origin != "*" and not _is_origin(origin):
            raise InvalidValue("origins such as https://example.com, separated by commas, or *")
    return listed


def hosts(text: str) -> tuple[str, ...]:
    listed = tuple(host.lower() for host in comma_separated(text))
    if not all(_is_host(host) for host in listed):
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
