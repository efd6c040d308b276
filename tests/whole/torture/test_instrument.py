"""The checks of the torture notice what they are made for."""

from __future__ import annotations

import asyncio
import json
import random

import pytest

from tests.support.torture.resp import STRUCTURE, TEXT, Splitter, array, bulk, parts
from tests.support.torture.tally import Fault, Tally
from tests.support.torture.video_model import Verdict, VideoModel
from tests.support.torture.viewer import CheckingViewer

FRAMES = [b":1\r\n", b"+OK\r\n", bulk(None), bulk("a\r\nb"), array("v0", None, "12"), b"*0\r\n"]
FRAMES += [b"*2\r\n*2\r\n:1\r\n$-1\r\n*1\r\n+x\r\n", b"-ERR no\r\n"]


def test_frames_are_found_however_the_stream_is_split():
    chance = random.Random(13)
    stream, at, found, splitter = b"".join(FRAMES), 0, [], Splitter()
    while at < len(stream):
        size = chance.randint(1, 7)
        found += splitter.feed(stream[at : at + size])
        at += size

    assert found == FRAMES


@pytest.mark.parametrize("frame", FRAMES, ids=repr)
def test_each_byte_of_a_frame_is_structure_or_text(frame):
    found = parts(frame)

    assert sorted(found[STRUCTURE] + found[TEXT]) == list(range(len(frame)))


@pytest.mark.parametrize(
    ("model", "found", "verdict"),
    [
        (VideoModel(), None, Verdict.RIGHT),
        (VideoModel(), 1, Verdict.WRONG),
        (VideoModel(acknowledged=2), 2, Verdict.RIGHT),
        (VideoModel(acknowledged=2), 1, Verdict.WRONG),
        (VideoModel(acknowledged=2), None, Verdict.WRONG),
        (VideoModel(acknowledged=2, pending=[3, None]), 3, Verdict.RIGHT),
        (VideoModel(acknowledged=2, pending=[3, None]), None, Verdict.RIGHT),
        (VideoModel(acknowledged=2, overtaken=[None]), None, Verdict.LATE),
        (VideoModel(acknowledged=2, overtaken=[1]), 1, Verdict.WRONG),
        (VideoModel(acknowledged=None, overtaken=[1]), 1, Verdict.LATE),
    ],
    ids=str,
)
def test_a_stored_point_is_judged_by_the_events_of_its_video(model, found, verdict):
    assert model.judge(found) is verdict


@pytest.mark.parametrize(
    ("status", "position", "fault"),
    [
        (200, 1_000_001, None),
        (200, 2_000_001, Fault.WRONG_OWNER),
        (200, 1_000_002, Fault.MIXED_UP),
        (404, 0, Fault.MIXED_UP),
        (500, 0, Fault.ERROR_500),
        (503, 0, None),
        (0, 0, Fault.REFUSED),
    ],
)
def test_a_viewer_notices_a_response_that_is_not_its_own(status, position, fault):
    """The server lies. The viewer has saved the position 1,000,001 before."""
    tally = Tally()

    async def read() -> None:
        server = await asyncio.start_server(
            lambda *streams: _lie(status, position, *streams), "127.0.0.1", 0
        )
        viewer = CheckingViewer(1, server.sockets[0].getsockname()[1], tally)
        viewer.videos["v0"].acknowledged = 1_000_001
        await viewer.read("v0")
        viewer.close()
        server.close()

    asyncio.run(read())

    assert list(tally.faults) == ([fault] if fault else [])
    assert len(tally.seconds_503) == (status == 503)


async def _lie(status: int, position: int, reader, writer) -> None:
    await reader.readuntil(b"\r\n\r\n")
    if status:
        body = json.dumps({"currentTime": position}).encode()
        head = f"HTTP/1.1 {status} X\r\nX-Request-Id: 1-1\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
    writer.close()
