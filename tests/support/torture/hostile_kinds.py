"""The kinds of hostile clients."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from tests.support.tokens import bearer

KIB = 1024
FLOOD = "connection_flood"
"""It fills the kernel's queue of new connections, so each new connection waits for all of them."""
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: hostile\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a client sends: `opening`, then `endless` again and again."""

    opening: bytes = b""
    endless: bytes = b""
    reads: bool = True
    """Whether it reads the responses. A client that does not read sees no end either."""
    pause: float = 0.0
    """Seconds between two times of `endless`, or until it connects again."""
    hangs_up: bool = False
    """Whether it resets the connection after `opening`, and connects again."""


@cache
def kinds() -> dict[str, Kind]:
    """Return the kinds by their names."""
    chunk = b"%x\r\n%s\r\n" % (64 * KIB, b"x" * 64 * KIB)
    small_chunks = b"1\r\nx\r\n" * 60_000 + b"0\r\n\r\n"
    one_byte_chunks = _post("Transfer-Encoding: chunked", **bearer("hostile")) + small_chunks
    return {
        "endless_chunks": Kind(_post("Transfer-Encoding: chunked"), chunk),
        "endless_length": Kind(_post(f"Content-Length: {10**12}"), b"x" * 64 * KIB),
        "pipelined": Kind(endless=HEALTH * 500),
        "never_reading": Kind(endless=HEALTH * 500, reads=False),
        "slow_head": Kind(b"GET /healthz HTTP/1.1\r\nX-Slow: ", b"x", pause=0.1),
        "slow_body": Kind(_post("Content-Length: 60000", **bearer("hostile")), b"x", pause=0.1),
        "silent": Kind(),
        "one_byte_chunks": Kind(endless=one_byte_chunks),
        "churn": Kind(HEALTH, hangs_up=True, pause=0.005),
        FLOOD: Kind(HEALTH, hangs_up=True),
    }


NEVER_PAUSING = (
    "endless_chunks",
    "endless_length",
    "pipelined",
    "never_reading",
    "one_byte_chunks",
)
"""The kinds that need no more than one connection to stop a worker without turns."""


def some_of_each(number: int = 1) -> dict[str, int]:
    """Return `number` for each kind except FLOOD."""
    return {name: number for name in kinds() if name != FLOOD}


def _post(length: str, **headers: str) -> bytes:
    lines = ["POST /api/progress HTTP/1.1", "Host: hostile", "Content-Type: application/json"]
    lines += [length, *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()
