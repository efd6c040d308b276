"""`GET /v1/videos/stream/<id>`: access, bytes, headers, views and points."""

from __future__ import annotations

import contextlib
import os
import re
import time

import psycopg
import pytest

from tests.support.origin_server import ETAG, VIDEO
from tests.support.tokens import SECRET, bearer

PROMISED_SECONDS = 1.0


@pytest.fixture(params=["an origin", "a file"])
def video(request, catalogue, origin, media_folder) -> int:
    """The same video on an origin and as a file."""
    if request.param == "an origin":
        return catalogue.add_video(origin.url("good"))
    (media_folder / "films").mkdir()
    (media_folder / "films" / "film.mp4").write_bytes(VIDEO)
    return catalogue.add_video("films/film.mp4")


def stream(client, video, caller, method="GET", query="", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.open(
        f"/v1/videos/stream/{video}{query}", method=method, headers=caller | named, buffered=True
    )


def test_a_stream_has_all_bytes_and_safe_headers(client, catalogue, video):
    answer = stream(client, video, catalogue.caller())

    assert answer.status_code == 200
    assert answer.data == VIDEO
    assert answer.headers["Content-Length"] == str(len(VIDEO))
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["ETag"]
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


RANGES = {
    "bytes=0-0": (0, 0),
    "bytes=10-19": (10, 19),
    "bytes=100-": (100, len(VIDEO) - 1),
    "bytes=-500": (len(VIDEO) - 500, len(VIDEO) - 1),
    "bytes=100-99999999": (100, len(VIDEO) - 1),
    f"bytes={len(VIDEO) - 1}-": (len(VIDEO) - 1, len(VIDEO) - 1),
}


@pytest.mark.parametrize(("asked", "ends"), RANGES.items())
def test_a_range_request_returns_only_its_bytes(client, catalogue, video, asked, ends):
    first, last = ends
    answer = stream(client, video, catalogue.caller(), Range=asked)

    assert answer.status_code == 206
    assert answer.data == VIDEO[first : last + 1]
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(VIDEO)}"
    assert answer.headers["Content-Length"] == str(last - first + 1)


@pytest.mark.parametrize(
    "asked",
    ["bytes=0-1,4-5", "bytes=9-3", "pages=1-2", "bytes=a-b", "bytes=-", "bytes=0-" + "9" * 30],
)
def test_an_invalid_or_multiple_range_returns_the_whole_video(client, catalogue, video, asked):
    answer = stream(client, video, catalogue.caller(), Range=asked)

    assert answer.status_code == 200
    assert answer.data == VIDEO


def test_a_range_after_the_end_is_416_and_no_view(client, catalogue, video):
    answer = stream(client, video, catalogue.caller(), Range="bytes=99999999-")

    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(VIDEO)}"
    assert answer.get_json() == {"error": "Range Not Satisfiable"}
    assert catalogue.views() == []


def test_if_range_returns_the_range_only_if_the_etag_matches(client, catalogue, video):
    caller = catalogue.caller()
    etag = stream(client, video, caller).headers["ETag"]

    same = stream(client, video, caller, Range="bytes=10-", If_Range=etag)
    other = stream(client, video, caller, Range="bytes=10-", If_Range='"another"')

    assert (same.status_code, other.status_code) == (206, 200)
    assert same.data == VIDEO[10:]
    assert other.data == VIDEO


def test_a_matching_if_none_match_is_304_and_no_view(client, catalogue, video):
    etag = stream(client, video, catalogue.caller(catalogue.admin)).headers["ETag"]
    before = catalogue.views()

    answer = stream(client, video, catalogue.caller(), If_None_Match=etag)

    assert answer.status_code == 304
    assert answer.data == b""
    assert answer.headers["ETag"] == etag
    assert catalogue.views() == before


def test_head_returns_the_headers_of_get_and_is_no_view(client, catalogue, video):
    got = stream(client, video, catalogue.caller(catalogue.admin))
    before = catalogue.views()

    head = stream(client, video, catalogue.caller(), "HEAD")
    part = stream(client, video, catalogue.caller(), "HEAD", Range="bytes=0-9")

    assert head.data == b""
    per_request = {"X-Request-Id"}
    assert {k: v for k, v in head.headers if k not in per_request} == {
        k: v for k, v in got.headers if k not in per_request
    }
    assert part.headers["Content-Length"] == "10"
    assert catalogue.views() == before


def test_an_origin_gets_the_range_but_nothing_about_the_caller(client, catalogue, origin):
    video = catalogue.add_video(origin.url("good?signature=a%2Fb"))
    stream(
        client, video, catalogue.caller(), Cookie="session=1", Range="bytes=5-9", If_Range=ETAG,
        Accept_Encoding="gzip", X_Forwarded_For="1.2.3.4", Referer="https://a.example",
    )  # fmt: skip

    first, *lines = origin.requests[-1].strip().split("\r\n")
    assert first == "GET /good?signature=a%2Fb HTTP/1.1"
    assert sorted(lines) == sorted(
        [
            f"Host: {origin.authority}",
            "User-Agent: resume-service",
            "Accept: */*",
            "Accept-Encoding: identity",
            "Connection: close",
            "Range: bytes=5-9",
            f"If-Range: {ETAG}",
        ]
    )


def test_proxies_from_the_environment_are_not_used(client, catalogue, origin, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    answer = stream(client, catalogue.add_video(origin.url("good")), catalogue.caller())

    assert answer.data == VIDEO


def test_a_chunked_response_is_forwarded_and_earns_points(client, catalogue, origin):
    answer = stream(client, catalogue.add_video(origin.url("chunked")), catalogue.caller())

    assert answer.data == VIDEO
    assert "Content-Length" not in answer.headers
    assert catalogue.points() == 10


TYPES = {
    "video/mp4": "video/mp4",
    'VIDEO/WebM; codecs="vp9"': "video/webm",
    "audio/mpeg": "audio/mpeg",
    "application/vnd.apple.mpegurl": "application/vnd.apple.mpegurl",
    "application/dash+xml": "application/dash+xml",
    "text/html": "application/octet-stream",
    "text/html; x=video/mp4": "application/octet-stream",
    "image/svg+xml": "application/octet-stream",
    "video/x+xml": "application/octet-stream",
    "application/javascript": "application/octet-stream",
    "video/mp4, text/html": "application/octet-stream",
    "video/": "application/octet-stream",
    "": "application/octet-stream",
}


@pytest.mark.parametrize(("sent", "served"), TYPES.items())
def test_media_types_that_a_browser_could_execute_are_replaced(
    client, catalogue, origin, sent, served
):
    more = f"Content-Type: {sent}\r\nSet-Cookie: a=b\r\nLocation: /x\r\nX-Own: y\r\n"
    origin.answers["typed"] = f"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n{more}\r\nok".encode()

    answer = stream(client, catalogue.add_video(origin.url("typed")), catalogue.caller())

    assert answer.data == b"ok"
    assert answer.headers["Content-Type"] == served
    assert {"Set-Cookie", "Location", "X-Own"}.isdisjoint(answer.headers.keys())


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.mp4", "video/mp4"), ("a.mkv", "video/x-matroska"), ("a.mpd", "application/dash+xml"),
     ("a.m3u8", "application/vnd.apple.mpegurl"), ("a.ts", "video/mp2t"), ("a.mp3", "audio/mpeg"),
     ("a.html", "application/octet-stream"), ("a.svg", "application/octet-stream"),
     ("a", "application/octet-stream")],
)  # fmt: skip
def test_the_extension_of_a_file_gives_its_media_type(client, catalogue, media_folder, name, kind):
    (media_folder / name).write_bytes(b"x")

    answer = stream(client, catalogue.add_video(name), catalogue.caller())

    assert answer.headers["Content-Type"] == kind


def test_quality_selects_one_of_the_videos_files(client, catalogue, origin, media_folder):
    (media_folder / "low.mp4").write_bytes(b"low")
    video = catalogue.add_video(origin.url("good"))
    catalogue.add_quality(video, "480p", "low.mp4")

    assert stream(client, video, catalogue.caller(), query="?quality=480p").data == b"low"
    assert stream(client, video, catalogue.caller()).data == VIDEO
    for unknown in ("720p", "", "480P", "%00", "x" * 500):
        answer = stream(client, video, catalogue.caller(), query=f"?quality={unknown}")
        assert answer.status_code == 404


def test_a_missing_or_empty_file_is_no_view(client, catalogue, media_folder):
    (media_folder / "empty.mp4").touch()
    missing = stream(client, catalogue.add_video("not-there.mp4"), catalogue.caller())
    empty = stream(client, catalogue.add_video("empty.mp4"), catalogue.caller())
    part = stream(client, catalogue.add_video("empty.mp4"), catalogue.caller(), Range="bytes=0-")

    assert missing.status_code == 404
    assert (empty.status_code, empty.data) == (200, b"")
    assert part.status_code == 416
    assert catalogue.views() == []


def test_access_depends_on_company_publication_and_deletion(client, catalogue, origin):
    good, now = origin.url("good"), "2026-11-20"
    ours, public = catalogue.add_video(good), catalogue.add_video(good, None)
    hidden = catalogue.add_video(good, published=False)
    deleted = catalogue.add_video(good, deleted_at=now)
    service = bearer("backend", role="service")
    outsider = bearer("outside")

    def statuses(video, *callers):
        return [stream(client, video, caller).status_code for caller in callers]

    members = (catalogue.caller(), catalogue.caller(catalogue.admin))
    foreign = catalogue.caller(catalogue.foreign_guest)
    assert statuses(ours, *members, service, foreign, outsider) == [200, 200, 200, 403, 403]
    assert statuses(public, *members, service, foreign, outsider) == [200] * 5
    for absent in (hidden, deleted, 10**9, 2**63 - 1, 2**63, "9" * 3000, "x", "-1", "1.5"):
        assert statuses(absent, *members, service) == [404, 404, 404], absent
    assert client.get(f"/v1/videos/stream/{ours}").status_code == 401


def test_only_the_first_stream_of_a_video_earns_points(client, catalogue, video):
    for _ in range(3):
        stream(client, video, catalogue.caller())
    stream(client, video, catalogue.caller(), Range="bytes=5-9")

    assert catalogue.points() == 10
    assert catalogue.views() == [(catalogue.guest, video, True)]


def test_each_user_earns_points_for_each_video(client, catalogue, origin):
    videos = [catalogue.add_video(origin.url("tiny")) for _ in range(2)]
    for video in videos:
        for user in (catalogue.guest, catalogue.admin):
            stream(client, video, catalogue.caller(user))

    assert (catalogue.points(), catalogue.points(catalogue.admin)) == (20, 20)
    assert len(catalogue.views()) == 4


def test_a_caller_without_an_account_streams_without_a_view(client, catalogue, origin):
    video = catalogue.add_video(origin.url("good"), None)
    callers = [bearer("backend", role="service"), bearer("ann"), bearer("99999")]

    assert [stream(client, video, caller).status_code for caller in callers] == [200] * 3
    assert catalogue.views() == []


def test_a_deleted_user_cannot_stream(client, catalogue, origin):
    video, gone = catalogue.add_video(origin.url("good"), None), catalogue.add_user()
    catalogue.sql.execute("UPDATE users SET deleted_at = now() WHERE id = %s", (gone,))

    assert stream(client, video, bearer(str(gone))).status_code == 401
    assert catalogue.points(gone) == 0


@pytest.mark.usefixtures("production_postgres_timeout")
def test_if_the_view_cannot_be_stored_the_stream_works_and_the_next_earns(
    client, catalogue, origin
):
    video = catalogue.add_video(origin.url("good"))
    with psycopg.connect(catalogue.sql.info.dsn) as other:
        other.execute("LOCK TABLE view_logs IN EXCLUSIVE MODE")
        assert stream(client, video, catalogue.caller()).data == VIDEO
        assert catalogue.views() == []

    assert stream(client, video, catalogue.caller()).data == VIDEO
    assert catalogue.points() == 10


@pytest.mark.alone
@pytest.mark.usefixtures("production_postgres_timeout")
def test_a_postgres_that_does_not_respond_gives_503_within_one_second(client, catalogue, origin):
    video = catalogue.add_video(origin.url("good"))
    with psycopg.connect(catalogue.sql.info.dsn) as other:
        other.execute("LOCK TABLE videos")
        caller, started = catalogue.caller(), time.perf_counter()
        answer = stream(client, video, caller)
        took = time.perf_counter() - started

    assert took < PROMISED_SECONDS
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert origin.requests == []


def test_a_file_that_shrinks_during_the_stream_aborts_the_response(client, catalogue, media_folder):
    path = media_folder / "film.mp4"
    path.write_bytes(VIDEO)
    asked = client.get(
        f"/v1/videos/stream/{catalogue.add_video('film.mp4')}", headers=catalogue.caller()
    )
    with contextlib.closing(asked) as answer:
        chunks = answer.iter_encoded()
        next(chunks)
        os.truncate(path, 70_000)
        with pytest.raises(ConnectionAbortedError):
            list(chunks)
    assert catalogue.views() == []


@pytest.mark.parametrize("taken", [0, 1, 2])
def test_a_client_that_disconnects_after_one_chunk_has_viewed_the_video(
    client, catalogue, video, taken
):
    asked = client.get(f"/v1/videos/stream/{video}", headers=catalogue.caller())
    with contextlib.closing(asked) as answer:
        chunks = answer.iter_encoded()
        for _ in range(
            taken + bool(taken)
        ):  # the server takes the next chunk after it has sent one
            next(chunks)

    assert catalogue.points() == (10 if taken else 0)


def test_metrics_count_whole_and_failed_streams(client, catalogue, origin):
    def counted():
        text = client.get("/metrics").get_data(as_text=True)
        found = re.findall(r'resume_streams_total\{result="(\w+)"\} ([\d.]+)', text)
        return {name: float(number) for name, number in found}

    before = counted()
    stream(client, catalogue.add_video(origin.url("good")), catalogue.caller())
    with contextlib.suppress(ConnectionAbortedError):
        stream(client, catalogue.add_video(origin.url("too-few")), catalogue.caller())

    assert counted()["whole"] == before.get("whole", 0) + 1
    assert counted()["failed"] == before.get("failed", 0) + 1


def test_the_log_of_a_failing_origin_contains_no_secret(client, catalogue, origin, caplog):
    stream(client, catalogue.add_video(origin.url("502") + "?key=hush"), catalogue.caller())

    assert "hush" not in caplog.text
    assert SECRET not in caplog.text
