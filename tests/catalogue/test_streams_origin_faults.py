"""Whatever an origin does: the right status, no points, and nothing left open."""

from __future__ import annotations

import contextlib
import ssl
import time
from pathlib import Path

import httpcore
import pytest

from resume_service.media.origin_connection import TimedStream
from resume_service.media.source import MediaSource
from tests.support.eventually import eventually
from tests.support.origin_server import NOBODY, SHORT_BODY_TIMEOUT, SHORT_TIMEOUTS, VIDEO

REFUSED = ["502", "500", "403", "204", "301", "302", "303", "307", "308"]
REFUSED += ["302-metadata", "302-file", "302-loopback", "302-scheme-relative"]
REFUSED += ["garbage", "nothing", "ssh", "http-0.9", "gzip", "no-length", "two-lengths"]
REFUSED += [
    "chunks-broken",
    "unasked-206",
    "unasked-304",
]
SILENT = ["silent", "silent-in-headers", "silent-before-body", "dripping-headers"]
WRONG_PARTS = ["other-bytes", "more-bytes", "backwards", "beyond", "no-range", "broken-range"]
WRONG_PARTS += ["other-length", "multipart"]
BROKEN_OFF = ["too-few", "chunks-cut", "silent-in-body", "reset-in-body"]

STATUSES = {**dict.fromkeys(REFUSED, 502), "404": 404, "410": 404}


@pytest.fixture
def leaves_nothing(origin, client):
    """Fails a test that leaves a connection to the origin, or a descriptor, open."""
    client.get("/readyz")  # what connects once and for all is there
    before = len(list(Path("/proc/self/fd").iterdir()))
    yield
    eventually(lambda: origin.open == 0)
    eventually(
        lambda: len(list(Path("/proc/self/fd").iterdir())) <= before + 2
    )  # of the pool of Postgres


def stream(client, catalogue, url, **headers):
    video = catalogue.video(url)
    return client.get(f"/v1/videos/stream/{video}", headers=catalogue.caller() | headers)


@pytest.mark.usefixtures("leaves_nothing")
@pytest.mark.parametrize(("behaviour", "status"), STATUSES.items())
def test_an_origin_that_fails_before_the_body(client, catalogue, origin, behaviour, status):
    answer = stream(client, catalogue, origin.url(behaviour))

    assert answer.status_code == status
    assert set(answer.get_json()) == {"error"}
    assert len(origin.requests) == 1, "a redirect was followed"
    assert catalogue.views() == []
    assert catalogue.points() == 0


@pytest.mark.usefixtures("leaves_nothing")
@pytest.mark.parametrize("behaviour", SILENT)
def test_an_origin_that_is_silent_before_the_body(
    client, catalogue, origin, timeouts_with_origins, behaviour
):
    timeouts_with_origins(SHORT_TIMEOUTS)
    answer = stream(client, catalogue, origin.url(behaviour))

    assert answer.status_code == 504
    assert set(answer.get_json()) == {"error"}
    assert catalogue.views() == []
    assert catalogue.points() == 0


@pytest.mark.usefixtures("leaves_nothing")
@pytest.mark.parametrize("behaviour", ["endless-headers", "endless-interim-answers"])
def test_an_answer_that_never_begins_ends_by_its_length_or_its_time(
    client, catalogue, origin, timeouts_with_origins, behaviour
):
    """By whichever bound it meets first."""
    timeouts_with_origins(SHORT_TIMEOUTS)
    assert stream(client, catalogue, origin.url(behaviour)).status_code in (502, 504)
    assert catalogue.views() == []


@pytest.mark.usefixtures("leaves_nothing")
@pytest.mark.parametrize("fault", WRONG_PARTS)
def test_a_part_that_was_not_asked_for_is_502(client, catalogue, origin, fault):
    answer = stream(client, catalogue, origin.url(f"206-{fault}"), Range="bytes=10-19")

    assert answer.status_code == 502
    assert catalogue.views() == []


@pytest.mark.usefixtures("leaves_nothing")
@pytest.mark.parametrize("behaviour", BROKEN_OFF)
def test_an_origin_that_fails_in_the_body_breaks_the_answer_off(
    client, catalogue, origin, timeouts_with_origins, behaviour
):
    timeouts_with_origins(SHORT_BODY_TIMEOUT)
    got: list[bytes] = []

    with (
        contextlib.closing(stream(client, catalogue, origin.url(behaviour))) as answer,
        pytest.raises(ConnectionAbortedError),
    ):
        got.extend(answer.iter_encoded())
    assert (VIDEO * 2).startswith(b"".join(got))
    assert got
    assert catalogue.views() == []


@pytest.mark.usefixtures("leaves_nothing")
def test_what_an_origin_sends_beyond_its_answer_reaches_nobody(client, catalogue, origin):
    answer = stream(client, catalogue, origin.url("too-many"))

    assert answer.data == VIDEO[:1000]
    assert stream(client, catalogue, origin.url("tiny")).data == b"tiny"


def test_a_part_in_chunks_that_is_longer_than_it_says_breaks_off(client, catalogue, origin):
    origin.answers["long-part"] = (
        b"HTTP/1.1 206 x\r\nContent-Range: bytes 10-19/1000\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5\r\n01234\r\n6\r\n567890\r\n0\r\n\r\n"
    )
    asked = stream(client, catalogue, origin.url("long-part"), Range="bytes=10-19")

    with contextlib.closing(asked) as answer, pytest.raises(ConnectionAbortedError):
        assert answer.data
    assert catalogue.views() == []


def test_an_origin_that_is_not_there_is_502(client, catalogue):
    assert stream(client, catalogue, f"http://{NOBODY}/v.mp4").status_code == 502


def test_more_fetches_than_a_process_bears_are_503_until_one_ends(client, catalogue, origin):
    turns = client.application.extensions["resume_service"].get(MediaSource)._origins._turns
    taken = 0
    while turns.acquire(blocking=False):
        taken += 1
    try:
        assert taken == 256
        assert stream(client, catalogue, origin.url("good")).status_code == 503
        turns.release()
        taken -= 1
        for _ in range(3):  # each gives its turn back
            assert stream(client, catalogue, origin.url("good")).data == VIDEO
            assert stream(client, catalogue, origin.url("502")).status_code == 502
    finally:
        for _ in range(taken):
            turns.release()


def test_what_comes_before_a_body_ends_at_a_quarter_of_a_megabyte():
    class Endless(httpcore.NetworkStream):
        def read(self, max_bytes, timeout=None):
            return b"x" * max_bytes

    watched = TimedStream(Endless(), time.monotonic() + 60, 60)
    head = [watched.read(65_536) for _ in range(4)]

    with pytest.raises(httpcore.RemoteProtocolError):
        watched.read(1)
    watched.head_is_over()
    assert len(watched.read(65_536)) == len(head[0])


def test_certificates_are_checked(client):
    context = client.application.extensions["resume_service"].get(MediaSource)._origins._tls()

    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
