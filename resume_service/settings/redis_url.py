"""Redis URLs with several hosts: the Sentinels of a master, or the nodes of a cluster.

    redis+sentinel://[user:password@]host[:26379],host,.../<service>[/<db>][?sentinel_password=...]
    redis://[user:password@]host[:6379],host,...

A URL that starts with rediss:// has the second form. redis-py parses only URLs with one host.
`RedisUrl.at` and `RedisUrl.sentinel_at` return URLs with one host.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

SENTINEL_SCHEME = "redis+sentinel"
_PORTS = {SENTINEL_SCHEME: 26379, "redis": 6379, "rediss": 6379}

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """A parsed URL. Its `user` and `password` belong to the Redis servers, not to the Sentinels."""

    hosts: tuple[Address, ...]
    service: str | None
    """The name that the Sentinels use for the master and its replicas. None without Sentinels."""
    _server: SplitResult
    _sentinel_login: str

    @classmethod
    def of(cls, text: str) -> RedisUrl:
        """Parse `text`. Raises ValueError if `text` is not a URL in one of the forms above."""
        # urlsplit supports only one host. Some versions of urlsplit refuse several hosts if one of
        # them is in brackets.
        scheme, netloc, rest = _split(text)
        parts = urlsplit(f"{scheme}://hosts{rest}")
        default_port = _PORTS.get(parts.scheme)
        if default_port is None:
            raise ValueError("another scheme")
        login, at, hosts = netloc.rpartition("@")
        server, service = parts._replace(netloc=login + at), None
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        user, password = (options.pop(f"sentinel_{each}", "") for each in ("username", "password"))
        if parts.scheme == SENTINEL_SCHEME:
            service, database = _service_and_database(parts.path)
            query = urlencode(options)
            server = server._replace(scheme="redis", path=f"/{database}", query=query)
        return cls(
            hosts=tuple(_address(host, default_port) for host in hosts.split(",")),
            service=service,
            _server=server,
            _sentinel_login=f"{quote(user, safe='')}:{quote(password, safe='')}@"
            if password
            else "",
        )

    def at(self, address: Address) -> str:
        """Return the URL of the Redis server at `address`."""
        return urlunsplit(self._server._replace(netloc=self._server.netloc + _netloc(address)))

    def sentinel_at(self, address: Address) -> str:
        """Return the URL of the Sentinel at `address`."""
        return f"redis://{self._sentinel_login}{_netloc(address)}"


def _split(url: str) -> tuple[str, str, str]:
    """Return three parts of `url`: the scheme, the login with the hosts, and the rest."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise ValueError("no scheme")
    length = min((rest.find(each) for each in "/?#" if each in rest), default=len(rest))
    return scheme, rest[:length], rest[length:]


def _service_and_database(path: str) -> tuple[str, str]:
    _, service, database, *more = [*path.split("/"), "", ""]
    if not service or any(more) or not (database or "0").isdecimal():
        raise ValueError("the path is not /service or /service/db")
    return unquote(service), database or "0"


def _address(text: str, default_port: int) -> Address:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError("a host is missing")
    return parts.hostname, default_port if parts.port is None else parts.port


def _netloc(address: Address) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
