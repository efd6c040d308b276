"""Parses URLs of origins. It accepts only URLs that every parser reads in the same way."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple
from urllib.parse import unquote

from resume_service.media.addresses import Address, may_be_listed

MAX_LENGTH = 2048
"""Maximum length of a URL or a path in characters."""
DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_PORT = 65_535

_LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_match_host_name = re.compile(rf"{_LABEL}(?:\.{_LABEL})*").fullmatch
_match_number = re.compile(r"[0-9]+|0x[0-9a-f]*").fullmatch
_match_url = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<target>(?:/[!$-;=?-Z_a-z~]*)?)",  # all printable ASCII characters except space, quotes, # < > [ \ ] ^ ` { | }
).fullmatch
_has_scheme = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE).match


class PathNotAllowed(Exception):
    """The `file_path` is not allowed. The message gives the reason, and is sent to the client."""


class OriginUrl(NamedTuple):
    """The parts of an origin's URL. `target` (path and query) is sent to the origin unchanged."""

    scheme: str
    host: str
    """A host name, or an IP address without brackets."""
    port: int
    target: str

    @property
    def address(self) -> Address | None:
        """The host as an IP address. None if the host is a name."""
        try:
            return ip_address(self.host)
        except ValueError:
            return None

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def looks_like_url(file_path: str) -> bool:
    """Return whether `file_path` begins with a URL scheme, such as `https:`.

    If it does not, it is a path below MEDIA_ROOT.
    """
    return _has_scheme(file_path) is not None


def parsed(file_path: str) -> OriginUrl:
    """Parse a URL. Raises PathNotAllowed if another parser might read the URL differently."""
    if len(file_path) > MAX_LENGTH:
        raise PathNotAllowed(f"Must be at most {MAX_LENGTH} characters long.")
    head, slashes, rest = file_path.partition("://")
    authority, slash, target = rest.partition("/")
    match = _match_url(f"{head.lower()}{slashes}{authority.lower()}{slash}{target}")
    if match is None or not file_path.isascii():
        raise PathNotAllowed(
            "Must be an http or https URL in plain ASCII: a host, a port if need be, a path."
        )
    if has_path_traversal(target):
        raise PathNotAllowed("Must not hold '..'.")
    scheme, port = match["scheme"], int(match["port"] or DEFAULT_PORTS[match["scheme"]])
    if port > MAX_PORT:
        raise PathNotAllowed(f"Must name a port up to {MAX_PORT}.")
    return OriginUrl(scheme, _host(match["host"]), port, match["target"] or "/")


def has_path_traversal(path: str) -> bool:
    """Return whether `path` has a part `..` or a control character, after decoding.

    Percent-decoding and Unicode normalization (NFKC) are repeated until `path` no longer changes.
    """
    before = None
    while path != before:
        before, path = path, unicodedata.normalize("NFKC", unquote(path))
    parts = re.split(r"[/\\?]", path)
    return ".." in parts or any(unicodedata.category(each) == "Cc" for each in path)


class AllowedOrigins:
    """The hosts of STREAM_ALLOWED_HOSTS, as `host` or `host:port`."""

    def __init__(self, listed: tuple[str, ...]) -> None:
        self._listed = frozenset(_entry(each) for each in listed)

    def require(self, url: OriginUrl) -> None:
        """Raise PathNotAllowed if the host is not listed, or is an address that may not be listed."""
        address = url.address
        if address is not None and not may_be_listed(address):
            raise PathNotAllowed("Must not be on a link-local, multicast or embedded address.")
        port = None if url.port == DEFAULT_PORTS[url.scheme] else url.port
        if not {(url.host, url.port), (url.host, port)} & self._listed:
            raise PathNotAllowed("Must be on one of the hosts that videos may be fetched from.")


def _entry(listed: str) -> tuple[str, int | None]:
    match = re.fullmatch(r"(\[.*\]|[^:]*)(?::([0-9]+))?", listed)
    if match is None:
        raise ValueError(listed)
    host = match[1].strip("[]")
    with contextlib.suppress(ValueError):  # a host name is not an IP address
        host = str(ip_address(host))
    return host, int(match[2]) if match[2] else None


def _host(text: str) -> str:
    """Return the host. An IP address must have its usual form, or this raises PathNotAllowed.

    Other forms are not safe: some parsers read `127.1` and `0x7f000001` as 127.0.0.1.
    """
    try:
        if text.startswith("["):
            return str(IPv6Address(text.strip("[]")))
        if _match_number(text.rpartition(".")[2]):
            return str(IPv4Address(text))
    except ValueError:
        raise PathNotAllowed("Must name a host, or an address in its usual form.") from None
    if not _match_host_name(text):
        raise PathNotAllowed("Must name a host, or an address in its usual form.")
    return text
