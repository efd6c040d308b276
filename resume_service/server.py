"""gunicorn's threaded worker, mended where a stop would drop requests and in what it says of bad ones."""

from __future__ import annotations

import contextlib
import json
import socket
import uuid
from http import HTTPStatus

import structlog
from gunicorn import util
from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

STATUSES = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
}
_log = structlog.get_logger(__name__)


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """Relies on the inside of gunicorn 27, which requirements/service.in holds it to."""

    def set_accept_enabled(self, enabled: bool) -> None:  # noqa: FBT001 - gunicorn's signature
        super().set_accept_enabled(enabled)
        if not (enabled or self.alive):
            self._serve_the_backlog()

    def _serve_the_backlog(self) -> None:
        """Serve, at a stop, also whom the kernel has let in already, and close the door at once.

        gunicorn leaves its listener open while it finishes what is under way: the kernel goes on
        taking connections that nobody will serve, and resets them when the worker ends.
        """
        for listener in self.sockets:
            before = -1
            while before != self.nr_conns:
                before = self.nr_conns
                self.accept(listener)
            listener.close()

    def handle_error(
        self, req: object, client: socket.socket, addr: object, exc: Exception
    ) -> None:
        """Answer a request that can't be parsed in the one shape of errors.

        Only the kind of the fault is logged: the text of a broken request may hold a token.
        """
        if not isinstance(exc, errors.ParseException):
            super().handle_error(req, client, addr, exc)
            return
        status = STATUSES.get(type(exc), HTTPStatus.BAD_REQUEST)
        request_id = uuid.uuid4().hex
        _log.warning("malformed request", fault=type(exc).__name__, request_id=request_id)
        with contextlib.suppress(OSError):  # the client may be gone
            util.write_nonblock(client, _answer(status, request_id))


def _answer(status: HTTPStatus, request_id: str) -> bytes:
    body = json.dumps({"error": status.phrase})
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Connection: close",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        f"X-Request-Id: {request_id}",
    ]
    return "\r\n".join([*lines, "", body]).encode()
