"""A slow link to Redis delays no response beyond the limit, and nothing is sent after a 503."""

from __future__ import annotations

from tests.support.torture import late_deletes, slow_links

SLACK = 1.5
"""Seconds. The limit is 1 s. The rest is for a busy machine that runs these tests."""


def test_a_redis_that_sends_one_byte_each_100_ms_delays_no_response_beyond_a_second(torture):
    tally = slow_links.dripping(torture, 2)

    assert tally.never() == {}, tally.examples
    assert tally.seconds_503
    assert tally.slowest < SLACK


def test_a_large_list_over_a_slow_link_delays_no_other_save_beyond_a_second(torture):
    saves, lists = slow_links.beside_a_large_list(torture, 2)

    assert saves.never() == lists.never() == {}, saves.examples
    assert saves.slowest < SLACK
    assert lists.slowest < SLACK
    assert saves.seen["ok"] > len(saves.seconds_503)


def test_no_command_reaches_redis_after_its_caller_got_a_503(torture):
    rounds = late_deletes.measure(torture, 2)

    assert [each.status for each in rounds] == [503, 503]
    assert [each.sent_after for each in rounds] == [0, 0]
    assert max(each.seconds for each in rounds) < SLACK
