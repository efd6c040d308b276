"""Faults of origins: each gives the right status and no points, and leaves nothing open."""

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
from tests.support.origin_server import CLOSED_ORIGIN, SHORT_BODY_TIMEOUT, SHORT_TIMEOUTS, VIDEO

REFUSED = ["502", "500", "403", "204", "301", "302", "303", "307", "308"]
REFUSED += ["302-metadata", "302-file", "302-loopback", "302-scheme-relative"]
REFUSED += ["garbage", "nothing", "ssh", "http-0.9", "gzip", "no-length", "two-lengths"]
REFUSED += ["chunks-broken", "unasked-206", "unasked-304"]
SILENT = ["silent", "silent-in-headers", "silent-before-body", "dripping-headers"]
WRONG_PARTS = ["other-bytes", "more-bytes", "backwards", "past-the-end", "no-range", "broken-range"]
WRONG_PARTS += ["other-length", "multipart"]
BROKEN_BODIES = ["too-few", "chunks-cut", "silent-in-body", "reset-in-body"]

STATUSES = {**dict.fromkeys(REFUSED, 502), "404": 404, "410": 404}


@pytest.fixture
def no_leaks(origin, client):
    """Fail a test that leaves a connection to the origin or a descriptor open."""
    client.get("/readyz")  # opens the connections that stay open
    before = len(list(Path("/proc/self/fd").iterdir()))
    yield
    eventually(lambda: origin.open == 0)
    # The connection pool of Postgres may have opened two more.
    eventually(lambda: len(list(Path("/proc/self/fd").iterdir())) <= before + 2)


def stream(client, catalogue, url, **headers):
    video = catalogue.add_video(url)
    return client.get(f"/v1/videos/stream/{video}", headers=catalogue.caller() | headers)


@pytest.mark.usefixtures("no_leaks")
@pytest.mark.parametrize(("behaviour", "status"), STATUSES.items())
def test_a_fault_before_the_body_gives_an_error_and_no_view(
    client, catalogue, origin, behaviour, status
):
    answer = stream(client, catalogue, origin.url(behaviour))

    assert answer.status_code == status
    assert set(answer.get_json()) == {"error"}
    assert len(origin.requests) == 1, "a redirect was followed"
    assert catalogue.views() == []
    assert catalogue.points() == 0


@pytest.mark.usefixtures("no_leaks")
@pytest.mark.parametrize("behaviour", SILENT)
def test_an_origin_that_is_silent_before_the_body_gives_504(
    client, catalogue, origin, set_origin_timeouts, behaviour
):
    set_origin_timeouts(SHORT_TIMEOUTS)
    answer = stream(client, catalogue, origin.url(behaviour))

    assert answer.status_code == 504
    assert set(answer.get_json()) == {"error"}
    assert catalogue.views() == []
    assert catalogue.points() == 0


@pytest.mark.usefixtures("no_leaks")
@pytest.mark.parametrize("behaviour", ["endless-headers", "endless-interim-answers"])
def test_headers_without_an_end_give_502_or_504(
    client, catalogue, origin, set_origin_timeouts, behaviour
):
    """502 if the size limit is reached first, 504 if the timeout is."""
    set_origin_timeouts(SHORT_TIMEOUTS)
    assert stream(client, catalogue, origin.url(behaviour)).status_code in (502, 504)
    assert catalogue.views() == []


@pytest.mark.usefixtures("no_leaks")
@pytest.mark.parametrize("fault", WRONG_PARTS)
def test_a_range_that_was_not_requested_gives_502(client, catalogue, origin, fault):
    answer = stream(client, catalogue, origin.url(f"206-{fault}"), Range="bytes=10-19")

    assert answer.status_code == 502
    assert catalogue.views() == []


@pytest.mark.usefixtures("no_leaks")
@pytest.mark.parametrize("behaviour", BROKEN_BODIES)
def test_a_fault_in_the_body_aborts_the_response(
    client, catalogue, origin, set_origin_timeouts, behaviour
):
    set_origin_timeouts(SHORT_BODY_TIMEOUT)
    got: list[bytes] = []

    with (
        contextlib.closing(stream(client, catalogue, origin.url(behaviour))) as answer,
        pytest.raises(ConnectionAbortedError),
    ):
        got.extend(answer.iter_encoded())
    assert (VIDEO * 2).startswith(b"".join(got))
    assert got
    assert catalogue.views() == []


@pytest.mark.usefixtures("no_leaks")
def test_bytes_after_the_end_of_a_response_are_dropped(client, catalogue, origin):
    answer = stream(client, catalogue, origin.url("too-many"))

    assert answer.data == VIDEO[:1000]
    assert stream(client, catalogue, origin.url("tiny")).data == b"tiny"


def test_a_chunked_range_with_too_many_bytes_aborts_the_response(client, catalogue, origin):
    origin.answers["long-part"] = (
        b"HTTP/1.1 206 x\r\nContent-Range: bytes 10-19/1000\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5\r\n01234\r\n6\r\n567890\r\n0\r\n\r\n"
    )
    asked = stream(client, catalogue, origin.url("long-part"), Range="bytes=10-19")

    with contextlib.closing(asked) as answer, pytest.raises(ConnectionAbortedError):
        assert answer.data
    assert catalogue.views() == []


def test_an_unreachable_origin_gives_502(client, catalogue):
    assert stream(client, catalogue, f"http://{CLOSED_ORIGIN}/v.mp4").status_code == 502


def test_fetches_above_the_limit_give_503_until_one_ends(client, catalogue, origin):
    slots = client.application.extensions["resume_service"].get(MediaSource)._origins._slots
    taken = 0
    while slots.acquire(blocking=False):
        taken += 1
    try:
        assert taken == 256
        assert stream(client, catalogue, origin.url("good")).status_code == 503
        slots.release()
        taken -= 1
        for _ in range(3):  # each releases its slot
            assert stream(client, catalogue, origin.url("good")).data == VIDEO
            assert stream(client, catalogue, origin.url("502")).status_code == 502
    finally:
        for _ in range(taken):
            slots.release()


def test_a_response_head_is_limited_to_256_kib():
    class Endless(httpcore.NetworkStream):
        def read(self, max_bytes, timeout=None):
            return b"x" * max_bytes

    watched = TimedStream(Endless(), time.monotonic() + 60, 60)
    head = [watched.read(65_536) for _ in range(4)]

    with pytest.raises(httpcore.RemoteProtocolError):
        watched.read(1)
    watched.head_is_over()
    assert len(watched.read(65_536)) == len(head[0])


def test_the_default_tls_context_verifies_certificates_and_host_names(client):
    context = client.application.extensions["resume_service"].get(MediaSource)._origins._tls()

    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
