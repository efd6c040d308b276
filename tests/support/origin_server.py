"""An origin on loopback that behaves as its paths say, well or badly."""

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
"""What takes ten seconds in production is shown in a third of one."""
NOBODY = "127.0.0.1:1"
"""An origin that is listed, and not there."""


class Origin:
    """A server of one thread for each connection; `open` counts those that are there just now."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listener.getsockname()[1]
        self.authority = f"127.0.0.1:{self.port}"
        self.requests: list[str] = []
        """Heads, as they came."""
        self.answers: dict[str, bytes] = {}
        """What a test has it say under a name of its own."""
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
        """Say nothing until the other side goes."""
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
    def keep(job: Behaviour) -> Behaviour:
        BEHAVIOURS[named] = job
        return job

    return keep


def says(named: str, *answer: str | bytes) -> None:
    """A behaviour: to send just that."""
    whole = b"".join(each if isinstance(each, bytes) else each.encode() for each in answer)
    BEHAVIOURS[named] = lambda _origin, client, _head: client.sendall(whole)


def head_of(length: int, status: str = "200 OK", more: str = "") -> str:
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: video/mp4\r\nContent-Length: {length}\r\n"
        f"Connection: close\r\n{more}\r\n"
    )


def served(_origin: Origin, client: socket.socket, head: str, video: bytes = VIDEO) -> None:
    """As a good server of files does."""
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


behaviour("good")(served)
behaviour("tiny")(lambda origin, client, head: served(origin, client, head, b"tiny"))


def chunked(*chunks: bytes, end: bool = True) -> bytes:
    framed = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in chunks)
    start = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: video/mp4\r\n\r\n"
    return start + framed + (b"0\r\n\r\n" if end else b"")


says("chunked", chunked(VIDEO[:1000], VIDEO[1000:]))

# Before the body.
says("502", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
says("500", "HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n")
says("403", "HTTP/1.1 403 x\r\nContent-Length: 0\r\n\r\n")
says("204", "HTTP/1.1 204 No Content\r\n\r\n")
says("404", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
says("410", "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n")
for number in (301, 302, 303, 307, 308):
    # To the same server, where it would be found.
    says(f"{number}", f"HTTP/1.1 {number} x\r\nLocation: /good\r\nContent-Length: 0\r\n\r\n")
for name, target in {
    "metadata": "http://169.254.169.254/latest/meta-data/",
    "file": "file:///etc/passwd",
    "loopback": "http://127.0.0.1:22/",
    "scheme-relative": "//10.0.0.1/",
}.items():
    says(f"302-{name}", f"HTTP/1.1 302 x\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n")
says("garbage", b"\x00\xff\xfe nothing of HTTP\r\n\r\n" * 50)
says("nothing", b"")
says("ssh", "SSH-2.0-OpenSSH_9.2\r\n")
says("http-0.9", VIDEO)
says("gzip", head_of(20, more="Content-Encoding: gzip\r\n"), b"x" * 20)
says("no-length", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", VIDEO)
says("two-lengths", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n", b"12345")
says("unasked-206", head_of(4, "206 x", "Content-Range: bytes 0-3/10\r\n"), b"0123")
says("unasked-304", "HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n")
# For who asks for bytes 10-19.
for name, (length, more) in {
    "other-bytes": (10, "Content-Range: bytes 0-9/1000\r\n"),
    "more-bytes": (11, "Content-Range: bytes 10-20/1000\r\n"),
    "backwards": (10, "Content-Range: bytes 19-10/1000\r\n"),
    "beyond": (10, "Content-Range: bytes 10-19/15\r\n"),
    "no-range": (10, ""),
    "broken-range": (10, "Content-Range: pages 10-19/1000\r\n"),
    "other-length": (9, "Content-Range: bytes 10-19/1000\r\n"),
    "multipart": (10, "Content-Type: multipart/byteranges; boundary=x\r\n"),
}.items():
    says(f"206-{name}", head_of(length, "206 x", more), b"x" * length)


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


# In the body.
says("too-few", head_of(len(VIDEO) + 10), VIDEO)
says("too-many", head_of(1000), VIDEO)
says("chunks-cut", chunked(VIDEO[:1000], VIDEO[1000:], end=False))
says("chunks-broken", chunked(VIDEO[:1000], end=False), b"not a size\r\n")


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
    """As many MB as its query says."""
    megabytes = int(re.search(r"\?mb=(\d+)", head)[1])
    client.sendall(head_of(megabytes * MB).encode())
    block = VIDEO[:65536]
    for _ in range(megabytes * 16):
        client.sendall(block)


@behaviour("dripping-body")
def _dripping_body(_origin: Origin, client: socket.socket, _head: str) -> None:
    """A byte now and then, for a minute."""
    client.sendall(head_of(6000).encode())
    for _ in range(6000):
        client.sendall(b"x")
        time.sleep(0.01)
