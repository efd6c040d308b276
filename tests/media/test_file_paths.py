"""Allowed file paths of videos. Others are refused when they are set and when they are fetched."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from resume_service.errors import NotFound, OriginFailed, OriginTimeout
from resume_service.media.files import LocalFiles
from resume_service.media.model import ByteRequest
from resume_service.media.origin_connection import Timeouts
from resume_service.media.origins import Origins
from resume_service.media.source import MediaSource
from tests.support.eventually import eventually
from tests.support.origin_server import LONG_TIMEOUTS

ALLOWED = (
    "cdn.example.com",
    "cdn.example.com:8443",
    "127.0.0.1:9000",
    "10.0.0.5",
    "[fd00::5]:9000",
    "[FD00:0::6]:9000",
    "169.254.169.254",
    "[fe80::1]",
    "[::ffff:10.0.0.9]",
    "0.0.0.0",
    "inward.example.com",
)
PUBLIC, OTHER_PUBLIC = "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"

UNREADABLE = [
    "",
    " ",
    "http:",
    "http://",
    "http:///video.mp4",
    "https:cdn.example.com/v.mp4",
    "http:/cdn.example.com/v.mp4",
    "//cdn.example.com/v.mp4",
    " http://cdn.example.com/v.mp4",
    "http://cdn.example.com/v.mp4 ",
    "http://cdn.example.com/a b.mp4",
    "http://cdn.example.com/v.mp4\r\nX: y",
    "http://cdn.example.com/v\t.mp4",
    "ht\ntp://cdn.example.com/v.mp4",
    "http://cdn.example.com\x00/v.mp4",
    "http://cdn.example.com/%00.mp4",
    "http://cdn.example.com/%0d%0aX:y",
    "http://cdn.example.com?x",
    "http://cdn.example.com#@10.0.0.1/",
    "http://cdn.example.com/v.mp4#t=10",
    "http://cdn.example.com/v.mp4" + "x" * 3000,
    # Another scheme.
    "file:///etc/passwd",
    "file://cdn.example.com/etc/passwd",
    "FILE:/etc/passwd",
    "gopher://cdn.example.com:70/_x",
    "ftp://cdn.example.com/v.mp4",
    "data:video/mp4;base64,AAAA",
    "jar:http://cdn.example.com/v!/x",
    "unix:/run/redis.sock",
    "dict://127.0.0.1:9000/x",
    "javascript:alert(1)",
    # A parser may read another host.
    "http://cdn.example.com@evil.example/v.mp4",
    "http://evil.example@cdn.example.com/v.mp4",
    "http://user:word@cdn.example.com/v.mp4",
    "http://cdn.example.com:80@10.0.0.1/",
    "http://evil.example\\@cdn.example.com/v.mp4",
    "http://cdn.example.com\\@evil.example/v.mp4",
    "http://cdn.example.com\\.evil.example/",
    "http:\\\\cdn.example.com\\v.mp4",
    "http://cdn.example.com%2eevil.example/",
    "http://cdn%2eexample%2ecom/v.mp4",
    "http://%31%32%37.0.0.1:9000/",
    "http://cdn.example.com./v.mp4",
    "http://cdn..example.com/v.mp4",
    "http://\uff43\uff44\uff4e.example.com/v.mp4",
    "http://cdn。example。com/v.mp4",
    "http://\u212adn.example.com/v.mp4",
    "http://①②⑦.0.0.1:9000/",
    # An unusual port.
    "http://cdn.example.com:/v.mp4",
    "http://cdn.example.com:0/v.mp4",
    "http://cdn.example.com:080/v.mp4",
    "http://cdn.example.com:65616/v.mp4",
    "http://cdn.example.com:-80/v.mp4",
    "http://cdn.example.com:\uff18\uff10/v.mp4",
    "http://cdn.example.com:80:80/v.mp4",
]
NOT_LISTED = [
    "http://evil.example/v.mp4",
    "http://cdn.example.com.evil.example/",
    "http://sub.cdn.example.com/v.mp4",
    "http://cdn.example.com:22/v.mp4",
    "http://cdn.example.com:443/v.mp4",
    "https://cdn.example.com:80/v.mp4",
    "http://127.0.0.1/",
    "http://127.0.0.1:9001/",
    "http://10.0.0.5:9000/",
    "http://localhost:9000/",
    "http://[::1]:9000/",
    # Other spellings of 127.0.0.1:9000, which is listed.
    "http://2130706433:9000/",
    "http://0x7f000001:9000/",
    "http://0x7f.0.0.1:9000/",
    "http://0177.0.0.1:9000/",
    "http://017700000001:9000/",
    "http://127.1:9000/",
    "http://127.0.1:9000/",
    "http://127.0.0.01:9000/",
    "http://127.0.0.1.:9000/",
    "http://0:9000/",
    "http://[::ffff:127.0.0.1]:9000/",
    "http://[::ffff:7f00:1]:9000/",
    "http://[::127.0.0.1]:9000/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]:9000/",
    "http://[64:ff9b::7f00:1]:9000/",
    "http://[2002:7f00:1::]:9000/",
    "http://[fd00::5%25eth0]:9000/",
    "http://[fd00::5%eth0]:9000/",
    "http://[fd00::5/",
    "http://fd00::5:9000/",
    "http://[v1.fd00::5]:9000/",
]
NEVER_ALLOWED = [  # although each is listed
    "http://169.254.169.254/latest/meta-data/",
    "http://[fe80::1]/",
    "http://[::ffff:10.0.0.9]/",
    "http://0.0.0.0/",
]
OUT_OF_THE_FOLDER = [
    "/etc/passwd",
    "//etc/passwd",
    "../secret.mp4",
    "films/../../secret.mp4",
    "films/../film.mp4",
    "films/..",
    "..",
    ".",
    "./film.mp4",
    "films/./film.mp4",
    "films//film.mp4",
    "films/",
    "..\\secret.mp4",
    "films\\..\\..\\secret.mp4",
    "%2e%2e/secret.mp4",
    "%2e%2e%2fsecret.mp4",
    "..%2fsecret.mp4",
    "%252e%252e%252fsecret.mp4",
    "..%5csecret.mp4",
    "%c0%ae%c0%ae/../secret.mp4",
    "\uff0e\uff0e/secret.mp4",
    "‥/secret.mp4",
    "films/film.mp4\x00.jpg",
    "film\n.mp4",
    "~root/../x",
    "http://cdn.example.com/../secret",
    "http://cdn.example.com/a/%2e%2e/b",
    "http://cdn.example.com/a/%252e%252e/b",
    "http://cdn.example.com/..%5cb",
]
"""Paths out of the folder, or that another parser may read as such."""
NO_FILES = ["films", "link.mp4", "folder-link/secret.mp4", "dangling.mp4", "up/secret.mp4"]
NO_FILES += ["pipe", "socket", "film.mp4/x", "null", "films/inner-link.mp4"]

HOSTILE = UNREADABLE + NOT_LISTED + NEVER_ALLOWED + OUT_OF_THE_FOLDER + NO_FILES


@pytest.fixture
def root(tmp_path) -> Path:
    """A folder of videos, with links, devices and sockets that must not be served."""
    made = tmp_path / "media"
    (made / "films").mkdir(parents=True)
    (tmp_path / "secret.mp4").write_text("a secret")
    (made / "film.mp4").write_text("a film")
    (made / "films" / "film.mp4").write_text("another film")
    for name, target in {
        "link.mp4": tmp_path / "secret.mp4",
        "folder-link": tmp_path,
        "dangling.mp4": tmp_path / "not-there",
        "up": Path(".."),
        "films/inner-link.mp4": Path("film.mp4"),
        "null": Path("/dev/null"),
    }.items():
        (made / name).symlink_to(target)
    os.mkfifo(made / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(made / "socket"))
    return made


@pytest.fixture
def connections(monkeypatch) -> list[object]:
    """The addresses of all connection attempts. Each attempt fails."""
    tried: list[object] = []

    def refuse(address, *_args, **_kwargs):
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refuse)
    return tried


@pytest.fixture
def names(monkeypatch) -> dict[str, list[str]]:
    """The addresses that the DNS server returns for each name."""
    known = {"cdn.example.com": [PUBLIC, OTHER_PUBLIC]}

    def look_up(name, _port, **_):
        if name not in known:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(0, 0, 0, "", (each, 0)) for each in known[name]]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


@pytest.fixture
def media(root, names, connections) -> MediaSource:
    return MediaSource(LocalFiles(str(root)), Origins(ALLOWED, LONG_TIMEOUTS))


@pytest.mark.parametrize("file_path", HOSTILE, ids=ascii)
def test_a_disallowed_path_is_refused_when_set_and_when_fetched(media, connections, file_path):
    faults = media.check(file_path)

    assert len(faults) == 1
    assert faults[0].startswith("Must ")
    with pytest.raises(OriginFailed):
        media.open(file_path, ByteRequest())
    assert connections == []


@pytest.mark.parametrize(
    "file_path",
    [
        "http://cdn.example.com/v.mp4",
        "https://cdn.example.com/v.mp4?token=a%2Fb&x=1",
        "HTTPS://CDN.Example.COM/V.mp4",
        "https://cdn.example.com:443/v.mp4",
        "https://cdn.example.com:8443/v.mp4",
        "http://cdn.example.com",
        "http://127.0.0.1:9000/v.mp4",
        "http://10.0.0.5/v.mp4",
        "https://[fd00::5]:9000/v.mp4",
        "http://[fd00:0:0::6]:9000/v.mp4",
        "film.mp4",
        "films/film.mp4",
        "films/not-there-yet: part 1.mp4",
    ],
)
def test_a_listed_origin_or_a_path_in_the_folder_is_allowed(media, file_path):
    assert media.check(file_path) == []


def test_a_device_is_refused():
    media = MediaSource(LocalFiles("/dev"), Origins(()))

    assert media.check("null") == ["Must be a file, and no folder, pipe or device."]


@pytest.mark.parametrize("file_path", ["film.mp4", "http://cdn.example.com/v.mp4"])
def test_without_configuration_every_path_is_refused(file_path):
    assert len(MediaSource(LocalFiles(None), Origins(())).check(file_path)) == 1


NOT_PUBLIC = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.100.100.200", "0.0.0.0", "0.1.2.3", "192.0.0.192", "198.18.0.1",
    "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "203.0.113.9", "192.88.99.1",
    "::1", "::", "fe80::1", "fe80::1%2", "fd00::1", "fc00::1", "fec0::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:93.184.215.14", "::127.0.0.1", "64:ff9b::a00:1",
    "64:ff9b:1::a00:1", "2002:a00:1::", "2001:0:a00:1::", "2001:db8::1", "3fff::1",
    "fd00:ec2::254", "5f00::1", "2606:2800:21f:cb07:6820:80da:af6b:8b2c%2",
]  # fmt: skip


@pytest.mark.parametrize("address", NOT_PUBLIC)
@pytest.mark.parametrize("others", [[], [PUBLIC]], ids=["alone", "after a public one"])
def test_a_name_with_an_address_that_is_not_public_is_refused(
    media, names, connections, address, others
):
    names["inward.example.com"] = [*others, address]

    [fault] = media.check("http://inward.example.com/v.mp4")

    assert "public" in fault
    with pytest.raises(OriginFailed):
        media.open("http://inward.example.com/v.mp4", ByteRequest())
    assert connections == []


def test_a_name_is_checked_again_when_it_is_fetched(media, names, connections):
    assert media.check("http://cdn.example.com/v.mp4") == []
    names["cdn.example.com"] = ["127.0.0.1"]

    with pytest.raises(OriginFailed):
        media.open("http://cdn.example.com/v.mp4", ByteRequest())
    assert connections == []


def test_the_checked_address_is_the_one_connected_to(media, connections, monkeypatch):
    """One lookup only: a DNS server that changes its response (DNS rebinding) gains nothing."""
    lookups = []

    def look_up(name, _port, **_):
        lookups.append(name)
        return [(0, 0, 0, "", (PUBLIC if len(lookups) == 1 else "127.0.0.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(OriginFailed):
        media.open("http://cdn.example.com/v.mp4", ByteRequest())

    assert lookups == ["cdn.example.com"]
    assert connections == [(PUBLIC, 80)]


def test_each_address_of_a_name_is_tried(media, connections):
    with pytest.raises(OriginFailed):
        media.open("https://cdn.example.com/v.mp4", ByteRequest())

    assert connections == [(PUBLIC, 443), (OTHER_PUBLIC, 443)]


def test_an_unknown_name_may_be_set_and_fails_when_fetched(media, names):
    names.clear()

    assert media.check("http://cdn.example.com/v.mp4") == []
    with pytest.raises(OriginFailed):
        media.open("http://cdn.example.com/v.mp4", ByteRequest())


def test_the_connect_timeout_applies_to_dns_lookups(monkeypatch):
    media = MediaSource(LocalFiles(None), Origins(ALLOWED, Timeouts(connect=0.1)))
    answers = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers.wait(20) and [])
    started = time.perf_counter()
    try:
        for _ in range(6):  # more than the lookup threads
            assert media.check("http://cdn.example.com/v.mp4") == []
        with pytest.raises(OriginTimeout):
            media.open("http://cdn.example.com/v.mp4", ByteRequest())
        assert time.perf_counter() - started < 10, "7 timeouts of 0.1 s, not 20 s"
    finally:
        answers.set()


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_path_swapped_for_a_link_is_not_followed(root, effort, kind):
    """A thread swaps the file, or its folder, for a link as fast as possible."""
    media, over = MediaSource(LocalFiles(str(root)), Origins(())), threading.Event()
    genuine, link = root / "swapped", root / "swapped-link"
    if kind == "file":
        genuine.write_text("a film")
        link.symlink_to(root.parent / "secret.mp4")
        path = "swapped"
    else:
        genuine.mkdir()
        (genuine / "secret.mp4").write_text("a film")
        link.symlink_to(root.parent)
        path = "swapped/secret.mp4"

    def swap() -> None:
        aside = root / "aside"
        while not over.is_set():
            genuine.rename(aside)
            link.rename(genuine)
            genuine.rename(link)
            aside.rename(genuine)

    swapping = threading.Thread(target=swap)
    swapping.start()
    read, refused = [], 0
    try:
        tries = effort(3000, 100_000)
        while tries > 0 or not (read and refused):
            tries -= 1
            try:
                opened = media.open(path, ByteRequest())
            except (OriginFailed, NotFound):
                refused += 1
                continue
            read.append(b"".join(part.data for part in opened.parts))
            opened.close()
    finally:
        over.set()
        swapping.join()

    assert set(read) == {b"a film"}
    assert refused


def test_a_refused_path_leaves_no_descriptor_open(media):
    def descriptors():
        return len(list(Path("/proc/self/fd").iterdir()))

    before = descriptors()
    for file_path in OUT_OF_THE_FOLDER + NO_FILES:
        media.check(file_path)
        with suppress(OriginFailed, NotFound):
            media.open(file_path, ByteRequest()).close()

    eventually(lambda: descriptors() <= before)  # other threads open and close theirs
