"""A small HTTP client for asyncio: one request at a time on one kept-alive connection."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any

ENDED = (OSError, asyncio.IncompleteReadError, TimeoutError)
"""The errors of a connection that ended or fell silent before the response was complete."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response. The names of its headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float
    received_at: float
    """time.monotonic() after the last byte, in seconds."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class HttpConnection:
    """Connects to `port` of loopback when it is needed."""

    def __init__(self, port: int, authorization: str, timeout: float = 10.0) -> None:
        self._port = port
        self._head = f"Host: torture\r\nAuthorization: {authorization}\r\n"
        self._timeout = timeout
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, request_id: str, body: Any = None) -> Answer:
        """Send a request and return the response. Raises one of ENDED."""
        head = f"{method} {path} HTTP/1.1\r\n{self._head}X-Request-Id: {request_id}\r\n"
        content = b""
        if body is not None:
            content = json.dumps(body).encode()
            head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout):
                return await self._exchange(f"{head}\r\n".encode() + content, started)
        except ENDED:
            self.close()
            raise

    async def _exchange(self, request: bytes, started: float) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")[:-2]
        fields = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in fields}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        ended = time.monotonic()
        if headers.get("connection") == "close":
            self.close()
        return Answer(int(first.split()[1]), headers, body, ended - started, ended)

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()
            self._streams = None
