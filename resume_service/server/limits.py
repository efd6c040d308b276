"""All limits on what a client may send, and on how long a client may take.

They protect the other clients of the same process. `turns.py` explains how clients share its time.
`deploy/nginx.conf` has its own, similar limits.
"""

from __future__ import annotations

import resource

# The head of a request: the request line and the header fields.
MAX_REQUEST_LINE = 4096
"""Maximum bytes of a request line. A path with two ids of 128 characters needs 900."""
MAX_FIELDS = 100
"""Maximum number of header fields. Browsers and proxies send about 20."""
MAX_FIELD = 16_380
"""Maximum bytes of a header field. So the service, not gunicorn, rejects a token of 10 KB."""
MAX_FAST_HEAD = 16_384
"""Maximum bytes of a head in the fast lane."""
MAX_HEAD = 65_536
"""Maximum bytes of any head. Without this limit, gunicorn accepts MAX_FIELDS * MAX_FIELD bytes."""

# The body of a request. The maximum of an accepted body is MAX_CONTENT_LENGTH in `web/bodies.py`.
MAX_UNREAD_BODY = 65_536
"""Maximum bytes that the server reads after a response, so that the connection stays usable.

This is the size of the largest accepted body. If more follow, the connection closes.
"""
UNREAD_BODY_SECONDS = 1.0
"""Maximum seconds to read them."""

# Time.
REQUEST_SECONDS = 20.0
"""Maximum seconds from the first to the last byte of a request.

This is enough for the largest body at 30 kbit/s.
"""
IDLE_SECONDS = 75
"""Maximum seconds between two requests. nginx closes idle connections first, after 60 s."""
SEND_SECONDS = 75.0
"""Maximum seconds for a client to take one part of a response, for example a viewer who pauses."""
STREAM_SEND_BUFFER = 16_384
"""Bytes of a live stream for which the kernel reserves memory. Linux doubles this number.

Without this limit, the kernel keeps megabytes for a client that does not read.
"""
MAX_UNSENT = 64 * 1024 * 1024
"""Maximum bytes of all responses that clients have not read yet, such as 250 long lists."""
LINGER_SECONDS = 2.0
"""Maximum seconds to wait for the client's end of a connection that the server closes.

In this time, the client can read the response, even if it is still sending.
"""
LINGER_BYTES = 1 << 20
"""Maximum bytes to read and ignore in this time."""

# Turns. See `turns.py`.
FAST_RECEIVE = 4096
"""Maximum bytes to receive at once in the fast lane. Most saves have 500 to 2,500 bytes."""
SLOW_RECEIVE = 512
"""Maximum bytes to receive at once for gunicorn.

If each chunk of a body has one byte, its parser needs 0.3 ms for this number of bytes.
"""
RECEIVE_BUFFER = 65_536
"""Size of the kernel's receive buffer of a connection, in bytes.

Without this limit, the kernel takes megabytes from a client that never pauses.
"""
FIRST_STEPS = 5
"""Number of steps of a request that wait in the first queue: its start and a body of 2,048 bytes.

In the fast lane, the same number of receives needs no turn: they are enough for 20 KB.
"""
SENT_PER_TURN = 65_536
"""Bytes of a response after which other clients have their turns."""

# Connections.
MAX_CONNECTIONS = 10_000
"""Maximum number of connections to a process. An idle connection needs about 1 KB."""
OTHER_FILES = 200
"""Number of open files that a process needs for everything except connections of clients."""
MAX_REFUSED = 50
"""Maximum number of refused connections that stay open, so that their clients can read the 503."""
ACCEPTS = 16
"""Maximum number of connections to accept in one iteration of the event loop.

More would delay the open connections. Fewer would let new connections wait in the kernel behind
those of a client that connects all the time.
"""
MAX_BACKLOG = 2048
"""Maximum number of connections that wait in the kernel, which is the default of gunicorn."""


def raise_file_limit() -> None:
    """Raise the limit of open files of this process, so that MAX_CONNECTIONS are possible."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + OTHER_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def max_connections() -> int:
    """Return the maximum number of connections that the limit of open files allows."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(1, min(MAX_CONNECTIONS, soft - OTHER_FILES))
