"""A server in place of Redis that sends exactly what a test wants."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable

ECHO = re.compile(rb"\*2\r\n\$4\r\nECHO\r\n\$16\r\n(.{16})\r\n")

Script = Callable[[socket.socket, bytes], None]
"""Called with the connection and the received commands of a round trip, without its ECHO."""


class ScriptedRedis:
    """Calls `script` for each round trip. `received` has the commands of each, without the ECHO.

    The script must send the reply to the ECHO itself: `tag_of(data)`.
    """

    def __init__(self, script: Script) -> None:
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"
        self.received: list[bytes] = []
        self.connections = 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                self._open.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            data = b""
            while more := client.recv(65_536):
                data += more
                if ECHO.search(data):
                    self.received.append(ECHO.sub(b"", data))
                    self._script(client, data)
                    data = b""


def tag_of(data: bytes) -> bytes:
    """The reply to the ECHO in `data`."""
    found = ECHO.search(data)
    assert found
    return b"$16\r\n" + found[1] + b"\r\n"
