"""Replies to reads of hashes: anything but an array of the right length is in doubt."""

from __future__ import annotations

import pytest

from resume_service.errors import Unavailable
from resume_service.redis import hashes
from resume_service.redis.call import ReplySize, packed
from resume_service.redis.client import new_client
from resume_service.redis.hashes import read_hash, read_hashes
from resume_service.redis.operation import run
from resume_service.redis.router import RedisRouter
from resume_service.redis.servers import OneServer
from tests.support.scripted_redis import ScriptedRedis, tag_of

FIELDS = ("a", "b")
GARBLED = {
    "text of the right length": b"$2\r\n12\r\n",
    "number": b":2\r\n",
    "nothing": b"$-1\r\n",
    "one value too few": b"*1\r\n$1\r\n1\r\n",
    "one value too many": b"*3\r\n:1\r\n:2\r\n:3\r\n",
}


@pytest.fixture
def router_with():
    """`router_with(reply)` returns a router to a server that answers `reply` to each command."""
    servers = []

    def start(reply):
        servers.append(ScriptedRedis(lambda client, data: client.sendall(reply + tag_of(data))))
        return RedisRouter(OneServer(new_client(servers[-1].url, 2)))

    yield start
    for each in servers:
        each.close()


def test_array_of_the_right_length_is_returned(router_with):
    router = router_with(b"*2\r\n$1\r\n1\r\n$-1\r\n")

    assert run(read_hash(router, "k", FIELDS)) == ["1", None]
    assert run(read_hashes(router, ["k"], FIELDS, ReplySize.MEDIUM)) == [["1", None]]


@pytest.mark.parametrize("reply", GARBLED.values(), ids=list(GARBLED))
def test_any_other_reply_is_unavailable(router_with, reply):
    router = router_with(reply)

    with pytest.raises(Unavailable):
        run(read_hash(router, "k", FIELDS))
    with pytest.raises(Unavailable):
        run(read_hashes(router, ["k"], FIELDS, ReplySize.MEDIUM))


def test_packed_reads_of_many_keys_are_the_same_as_packed_one_by_one():
    keys, fields = ["resume:ann:v1", "resume:é:\U0001f3ac", "", "$0\r\n\r\n"], ("a", "bc", "d")

    assert hashes._packed(keys, fields) == packed([("HMGET", key, *fields) for key in keys])
