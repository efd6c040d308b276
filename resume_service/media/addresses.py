"""Which addresses an origin may be at, and asking a name for its addresses.

A name must lead to public addresses only: whoever keeps the name decides where it leads, and must
not reach by it what only this host can. The tables are those of IANA's special-purpose registries,
stated here so that they don't change with the version of Python.
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
        "100.64.0.0/10",  # between a carrier and its customers
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, where clouds keep their metadata
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
"""All that is routed; forms that hold an IPv4 address (mapped, NAT64) are outside of it, or below."""
_NOT_PUBLIC_6 = tuple(
    IPv6Network(each)
    for each in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")  # Teredo, examples, 6to4
)
_NEVER = tuple(
    IPv6Network(each)
    for each in (
        "::/96",  # unspecified, loopback apart, and IPv4-compatible
        "::ffff:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2001::/32",
        "2002::/16",
    )
)
"""Forms that hold an IPv4 address: who means that one lists it as such."""
_IPV6_LOOPBACK = IPv6Address("::1")

LOOKUPS = 4
"""At a time: fewer than gevent has threads for them, so that a dead name server stops only these."""
_lookups = threading.BoundedSemaphore(LOOKUPS)


class DnsNotFound(Exception):
    """The name leads nowhere."""


class DnsTimeout(Exception):
    """Where the name leads was not told in time."""


def is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    special = any(address in network for network in _NOT_PUBLIC_6)
    return address in _PUBLIC_6 and not special and address.scope_id is None


def may_be_listed(address: Address) -> bool:
    """Whether an operator may list an origin by this address: private ones, but no link-local one."""
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    if isinstance(address, IPv4Address) or address == _IPV6_LOOPBACK:
        return True
    return address.scope_id is None and not any(address in network for network in _NEVER)


def addresses_of(name: str, within: float) -> tuple[Address, ...]:
    """Where `name` leads. Raises NameUnknown, and NameServerSilent after `within` seconds.

    The system's resolver knows no such bound, so it is asked in a thread that may be left behind.
    """
    answer: list[tuple[Address, ...]] = []
    if not _lookups.acquire(timeout=within):
        raise DnsTimeout

    def ask() -> None:
        try:
            found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
            answer.append(tuple(dict.fromkeys(ip_address(each[4][0]) for each in found)))
        except (OSError, ValueError):  # the latter of names that can't be written in the DNS
            answer.append(())
        finally:
            _lookups.release()

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(within)
    if not answer:
        raise DnsTimeout
    if not answer[0]:
        raise DnsNotFound
    return answer[0]
