"""Each reply belongs to its command: the last reply of a round trip is its tag."""

from __future__ import annotations

import pytest
import redis

from resume_service.redis.replies import INCOMPLETE, StrayReply, Tags, check_tag, new_reader


def test_each_round_trip_has_another_tag():
    one, other = Tags(), Tags()
    tags = [one.next(), one.next(), other.next(), other.next()]

    assert len(set(tags)) == len(tags)
    assert {len(tag) for tag in tags} == {16}


def test_command_of_a_tag_is_echo():
    assert Tags.command("0123456789abcdef") == b"*2\r\n$4\r\nECHO\r\n$16\r\n0123456789abcdef\r\n"


@pytest.mark.parametrize("last", ["0123456789abcdee", 1, None, ["0123456789abcdef"]])
def test_any_other_last_reply_is_stray(last):
    check_tag("0123456789abcdef", "0123456789abcdef")

    with pytest.raises(StrayReply):
        check_tag(last, "0123456789abcdef")


def test_refused_echo_is_a_failed_connection():
    with pytest.raises(redis.ConnectionError, match="loading") as raised:
        check_tag(redis.BusyLoadingError("Redis is loading"), "0123456789abcdef")

    assert type(raised.value) is redis.ConnectionError


def test_reader_returns_errors_as_replies_and_replaces_invalid_text():
    reader = new_reader()
    reader.feed(b"-LOADING wait\r\n$2\r\n\xff\xfe\r\n$3\r\nha")

    assert isinstance(reader.gets(), redis.BusyLoadingError)
    assert reader.gets() == "\N{REPLACEMENT CHARACTER}" * 2
    assert reader.gets() is INCOMPLETE
    reader.feed(b"!\r\n")
    assert reader.gets() == "ha!"
    assert not reader.has_data()


def test_garbled_reply_is_an_invalid_response():
    reader = new_reader()
    reader.feed(b"\x00 garbage\r\n")

    with pytest.raises(redis.InvalidResponse):
        reader.gets()
