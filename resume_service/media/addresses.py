"""IP addresses that an origin may have, and DNS lookups.

If an origin has a host name, all addresses of this name must be public. The owner of the name chooses
these addresses. Without the check, the owner could make this service connect to internal hosts
(server-side request forgery, SSRF).

The tables are copied from IANA's registries of special-purpose addresses. We do not use the tables of
Python, because they change with the version of Python.
"""

from __future__ import annotations

import socket
import threading
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

_NOT_PUBLIC_4 = tuple(
    IPv4Network(each)
    for each in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local: clouds serve their metadata here
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_PUBLIC_6 = IPv6Network("2000::/3")
"""All public IPv6 addresses are in this network.

Addresses that embed an IPv4 address are outside this network or in _NOT_PUBLIC_6.
"""
_NOT_PUBLIC_6 = tuple(
    IPv6Network(each)
    for each in (
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )  # Teredo, documentation, 6to4, documentation
)
_EMBEDS_IPV4 = tuple(
    IPv6Network(each)
    for each in (
        "::/96",  # unspecified and IPv4-compatible; loopback is allowed before this check
        "::ffff:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2001::/32",
        "2002::/16",
    )
)
"""IPv6 addresses that embed an IPv4 address. STREAM_ALLOWED_HOSTS may not contain them.

An operator must list the IPv4 address itself.
"""
_IPV6_LOOPBACK = IPv6Address("::1")

MAX_LOOKUPS = 4
"""Maximum number of DNS lookups that a process runs at the same time.

gevent's pool has more threads. So if a name server does not answer, some threads remain free.
"""
_lookups = threading.BoundedSemaphore(MAX_LOOKUPS)


class DnsNotFound(Exception):
    """The name has no address."""


class DnsTimeout(Exception):
    """The DNS lookup has taken too long."""


def is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    special = any(address in network for network in _NOT_PUBLIC_6)
    return address in _PUBLIC_6 and not special and address.scope_id is None


def may_be_listed(address: Address) -> bool:
    """Return whether STREAM_ALLOWED_HOSTS may contain this address.

    It may contain private addresses, but no link-local and no multicast addresses.
    """
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    if isinstance(address, IPv4Address) or address == _IPV6_LOOPBACK:
        return True
    return address.scope_id is None and not any(address in network for network in _EMBEDS_IPV4)


def addresses_of(name: str, timeout: float) -> tuple[Address, ...]:
    """Return the addresses of `name`. Raises DnsNotFound if the name has no address.

    Raises DnsTimeout if the lookup takes longer than `timeout` seconds. If MAX_LOOKUPS lookups are
    running, this first waits for one of them to end: at most `timeout` seconds.

    The system's resolver has no timeout, so a thread calls the resolver. After a timeout, this thread
    continues until the resolver returns.
    """
    result: list[tuple[Address, ...]] = []
    if not _lookups.acquire(timeout=timeout):
        raise DnsTimeout

    def look_up() -> None:
        try:
            infos = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
            result.append(tuple(dict.fromkeys(ip_address(each[4][0]) for each in infos)))
        except (OSError, ValueError):  # ValueError: DNS can't encode the name
            result.append(())
        finally:
            _lookups.release()

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(timeout)
    if not result:
        raise DnsTimeout
    if not result[0]:
        raise DnsNotFound
    return result[0]
