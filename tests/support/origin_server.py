"""An origin server on loopback. The path of a request selects its behaviour, good or bad."""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import threading
import time
from collections.abc import Callable

from resume_service.media.origin_connection import Timeouts

MB = 1024 * 1024
VIDEO = b"".join(hashlib.sha256(str(n).encode()).digest() for n in range(6400))  # 200 KiB
ETAG = '"v1"'
LONG_TIMEOUTS = Timeouts(connect=20, headers=20, silence=20)
SHORT_TIMEOUTS = Timeouts(connect=20, headers=0.3, silence=0.3)
SHORT_BODY_TIMEOUT = Timeouts(connect=20, headers=20, silence=0.3)
"""For tests of a timeout. In production `headers` is 8 s and `silence` is 10 s."""
CLOSED_ORIGIN = "127.0.0.1:1"
"""An allowed origin on a port without a server."""


class Origin:
    """A server with one thread per connection. `open` is the number of open connections."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listener.getsockname()[1]
        self.authority = f"127.0.0.1:{self.port}"
        self.requests: list[str] = []
        """The heads of all requests, in order."""
        self.answers: dict[str, bytes] = {}
        """Responses that a test adds, by the name in the path."""
        self.open = 0
        self._count = threading.Lock()
        self._over = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, behaviour: str) -> str:
        return f"http://{self.authority}/{behaviour}"

    def close(self) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with self._count:
                    self.open += 1
                threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        try:
            with client, contextlib.suppress(OSError):
                head = b""
                while b"\r\n\r\n" not in head:
                    data = client.recv(65536)
                    if not data:
                        return
                    head += data
                self.requests.append(head.decode())
                name = head.split()[1].decode().strip("/").split("?")[0]
                if name in self.answers:
                    client.sendall(self.answers[name])
                else:
                    BEHAVIOURS[name](self, client, head.decode())
        finally:
            with self._count:
                self.open -= 1

    def hang(self, client: socket.socket) -> None:
        """Send nothing until the client disconnects."""
        client.settimeout(0.05)
        while not self._over.is_set():
            try:
                if not client.recv(1):
                    return
            except TimeoutError:
                continue


Behaviour = Callable[[Origin, socket.socket, str], None]
BEHAVIOURS: dict[str, Behaviour] = {}


def behaviour(named: str) -> Callable[[Behaviour], Behaviour]:
    """Register the decorated function for the path `/named`."""

    def register(function: Behaviour) -> Behaviour:
        BEHAVIOURS[named] = function
        return function

    return register


def sends(named: str, *answer: str | bytes) -> None:
    """Register a behaviour that sends exactly `answer`."""
    whole = b"".join(each if isinstance(each, bytes) else each.encode() for each in answer)
    BEHAVIOURS[named] = lambda _origin, client, _head: client.sendall(whole)


def head_of(length: int, status: str = "200 OK", more: str = "") -> str:
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: video/mp4\r\nContent-Length: {length}\r\n"
        f"Connection: close\r\n{more}\r\n"
    )


def serve_file(_origin: Origin, client: socket.socket, head: str, video: bytes = VIDEO) -> None:
    """Respond as a correct file server does, with ranges and conditions."""
    more = (
        f"ETag: {ETAG}\r\nLast-Modified: Fri, 20 Nov 2026 10:00:00 GMT\r\nAccept-Ranges: bytes\r\n"
    )
    if f"If-None-Match: {ETAG}" in head:
        client.sendall(f"HTTP/1.1 304 Not Modified\r\nETag: {ETAG}\r\n\r\n".encode())
        return
    asked = re.search(r"Range: bytes=(\d*)-(\d*)", head)
    condition = re.search(r"If-Range: (.*)\r", head)
    body, status = video, "200 OK"
    if asked and (condition is None or condition[1] == ETAG):
        first = int(asked[1]) if asked[1] else len(video) - int(asked[2])
        last = min(int(asked[2]), len(video) - 1) if asked[1] and asked[2] else len(video) - 1
        if first >= len(video):
            refusal = f"HTTP/1.1 416 x\r\nContent-Range: bytes */{len(video)}\r\nContent-Length: 0\r\n\r\n"
            client.sendall(refusal.encode())
            return
        body, status = video[first : last + 1], "206 Partial Content"
        more += f"Content-Range: bytes {first}-{last}/{len(video)}\r\n"
    client.sendall(head_of(len(body), status, more).encode())
    if not head.startswith("HEAD"):
        client.sendall(body)


behaviour("good")(serve_file)
behaviour("tiny")(lambda origin, client, head: serve_file(origin, client, head, b"tiny"))


def chunked(*chunks: bytes, end: bool = True) -> bytes:
    framed = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in chunks)
    start = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: video/mp4\r\n\r\n"
    return start + framed + (b"0\r\n\r\n" if end else b"")


sends("chunked", chunked(VIDEO[:1000], VIDEO[1000:]))

# Faults before the body.
sends("502", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
sends("500", "HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n")
sends("403", "HTTP/1.1 403 x\r\nContent-Length: 0\r\n\r\n")
sends("204", "HTTP/1.1 204 No Content\r\n\r\n")
sends("404", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
sends("410", "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n")
for number in (301, 302, 303, 307, 308):
    # A redirect to the same server, where the file exists.
    sends(f"{number}", f"HTTP/1.1 {number} x\r\nLocation: /good\r\nContent-Length: 0\r\n\r\n")
for name, target in {
    "metadata": "http://169.254.169.254/latest/meta-data/",
    "file": "file:///etc/passwd",
    "loopback": "http://127.0.0.1:22/",
    "scheme-relative": "//10.0.0.1/",
}.items():
    sends(f"302-{name}", f"HTTP/1.1 302 x\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n")
sends("garbage", b"\x00\xff\xfe nothing of HTTP\r\n\r\n" * 50)
sends("nothing", b"")
sends("ssh", "SSH-2.0-OpenSSH_9.2\r\n")
sends("http-0.9", VIDEO)
sends("gzip", head_of(20, more="Content-Encoding: gzip\r\n"), b"x" * 20)
sends("no-length", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", VIDEO)
sends("two-lengths", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n", b"12345")
sends("unasked-206", head_of(4, "206 x", "Content-Range: bytes 0-3/10\r\n"), b"0123")
sends("unasked-304", "HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n")
# Wrong responses to a request for bytes 10-19.
for name, (length, more) in {
    "other-bytes": (10, "Content-Range: bytes 0-9/1000\r\n"),
    "more-bytes": (11, "Content-Range: bytes 10-20/1000\r\n"),
    "backwards": (10, "Content-Range: bytes 19-10/1000\r\n"),
    "past-the-end": (10, "Content-Range: bytes 10-19/15\r\n"),
    "no-range": (10, ""),
    "broken-range": (10, "Content-Range: pages 10-19/1000\r\n"),
    "other-length": (9, "Content-Range: bytes 10-19/1000\r\n"),
    "multipart": (10, "Content-Type: multipart/byteranges; boundary=x\r\n"),
}.items():
    sends(f"206-{name}", head_of(length, "206 x", more), b"x" * length)


@behaviour("silent")
def _silent(origin: Origin, client: socket.socket, _head: str) -> None:
    origin.hang(client)


@behaviour("silent-in-headers")
def _silent_in_headers(origin: Origin, client: socket.socket, _head: str) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")
    origin.hang(client)


@behaviour("silent-before-body")
def _silent_before_body(origin: Origin, client: socket.socket, _head: str) -> None:
    client.sendall(head_of(100).encode())
    origin.hang(client)


@behaviour("dripping-headers")
def _dripping(origin: Origin, client: socket.socket, _head: str) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\n")
    while not origin._over.is_set():
        client.sendall(b"X: y\r\n")
        time.sleep(0.05)


@behaviour("endless-headers")
def _endless(origin: Origin, client: socket.socket, _head: str) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\n")
    while not origin._over.is_set():
        client.sendall(b"X-More: %s\r\n" % (b"y" * 8000))


@behaviour("endless-interim-answers")
def _endless_interim(origin: Origin, client: socket.socket, _head: str) -> None:
    while not origin._over.is_set():
        client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 500)


# Faults in the body.
sends("too-few", head_of(len(VIDEO) + 10), VIDEO)
sends("too-many", head_of(1000), VIDEO)
sends("chunks-cut", chunked(VIDEO[:1000], VIDEO[1000:], end=False))
sends("chunks-broken", chunked(VIDEO[:1000], end=False), b"not a size\r\n")


@behaviour("silent-in-body")
def _silent_in_body(origin: Origin, client: socket.socket, _head: str) -> None:
    client.sendall(head_of(2 * len(VIDEO)).encode() + VIDEO)
    origin.hang(client)


@behaviour("reset-in-body")
def _reset(_origin: Origin, client: socket.socket, _head: str) -> None:
    client.sendall(head_of(2 * len(VIDEO)).encode() + VIDEO)
    time.sleep(0.1)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


@behaviour("long")
def _long(_origin: Origin, client: socket.socket, head: str) -> None:
    """A body of the number of MB in the query `?mb=`."""
    megabytes = int(re.search(r"\?mb=(\d+)", head)[1])
    client.sendall(head_of(megabytes * MB).encode())
    block = VIDEO[:65536]
    for _ in range(megabytes * 16):
        client.sendall(block)


@behaviour("dripping-body")
def _dripping_body(_origin: Origin, client: socket.socket, _head: str) -> None:
    """A body of one byte every 10 ms, for a minute."""
    client.sendall(head_of(6000).encode())
    for _ in range(6000):
        client.sendall(b"x")
        time.sleep(0.01)
