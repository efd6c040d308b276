"""The rest of a response, for a client that does not take it at once."""

from __future__ import annotations

import _socket
import socket
from collections.abc import Callable
from typing import Any

import gevent
from gevent.core import WRITE

from resume_service.redis.link import RESET_ON_CLOSE
from resume_service.server import limits
from resume_service.server.clients import Clients


class SlowResponse:
    """Sends `rest` when the client takes it, in parts of SENT_PER_TURN bytes.

    Calls `on_sent` at the end, or `on_gone` if the client is gone, takes nothing for SEND_SECONDS, or
    is the one that must be closed because all unread responses need too much memory.
    """

    is_idle = False

    def __init__(
        self,
        client: _socket.socket,
        clients: Clients,
        rest: memoryview,
        on_sent: Callable[[], None],
        on_gone: Callable[[], None],
    ) -> None:
        self._client = client
        self._clients = clients
        self._rest = rest
        self._on_sent = on_sent
        self._on_gone = on_gone
        self._watcher: Any = gevent.get_hub().loop.io(client.fileno(), WRITE)
        self._watcher.start(self._send)
        clients.sending[self] = clients.now
        # The sent part needs memory too.
        clients.unsent.add(self, memoryview(rest.obj).nbytes)

    def give_up(self) -> None:
        """Close the connection at once. The kernel discards what it has not sent."""
        self.close()
        self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._on_gone()

    abort = give_up

    def close(self) -> None:
        """Send nothing more."""
        self._watcher.stop()
        self._watcher.close()
        self._clients.sending.pop(self, None)
        self._clients.unsent.remove(self)

    def _send(self) -> None:
        try:
            sent = self._client.send(self._rest[: limits.SENT_PER_TURN])
        except BlockingIOError:
            return
        except OSError:
            self.give_up()
            return
        self._rest = self._rest[sent:]
        if self._rest:
            self._clients.sending.pop(self)  # it is now the shortest wait, at the end
            self._clients.sending[self] = self._clients.now
        else:
            self.close()
            self._on_sent()
