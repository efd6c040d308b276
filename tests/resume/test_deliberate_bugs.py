"""Each deliberate bug in the script fails a check. So the checks protect each rule."""

from __future__ import annotations

import copy
import hashlib
from typing import Any

import pytest

from resume_service.resume import events
from resume_service.resume.scripts import MERGE_POINT
from tests.support.merge_checks import check_clock, check_index, check_limits, check_orders

BUGS: dict[str, tuple[Any, str, str]] = {
    "of two positions at one time the last one to arrive wins": (
        check_orders,
        "return value > old_value or value == old_value and (new[3] or '') > (old[3] or '')",
        "return true",
    ),
    "a plain save replaces one of the same time": (
        check_orders,
        "stored_at < updated_at",
        "stored_at <= updated_at",
    ),
    "a deletion cancels only earlier events": (
        check_orders,
        "if item[1] <= deleted then",
        "if item[1] < deleted then",
    ),
    "a deletion leaves no tombstone": (
        check_orders,
        "call('ZADD', KEYS[3], score_of(deleted), ARGV[8])",
        "",
    ),
    "a late save does not set watched": (
        check_orders,
        "percent and tonumber(percent) >= tonumber(ARGV[7]) and {at} or nil",
        "percent and tonumber(percent) >= tonumber(ARGV[7]) and at >= (stored_at or 0) and {at} or nil",
    ),
    "an unwatched mark cancels by arrival": (
        check_orders,
        "if state[name] and state[name][1] <= unwatched then",
        "if state[name] and state.unwatched and kind == 'unwatched' then",
    ),
    "the first times are those of the first arrival": (
        check_orders,
        "old and old[1] <= new[1] and old or new",
        "old or new",
    ),
    "of two durations at one time the last one to arrive wins": (
        check_orders,
        "elseif is_later(new, old) then",
        "elseif is_later(new, old) or name == 'sent' and new[1] == old[1] then",
    ),
    "an earlier save cancels a dismissed mark": (
        check_orders,
        "if state[name] and state[name][1] <= saved then",
        "if state[name] and saved > -1 then",
    ),
    "an undismissed mark is forgotten": (
        check_orders,
        "'dismissed', 'undismissed'}\nlocal EARLIEST",
        "'dismissed'}\nlocal EARLIEST",
    ),
    "the number of tombstones has no limit": (
        check_limits,
        "call('ZREMRANGEBYRANK', KEYS[3], 0, -1 - ARGV[6])",
        "",
    ),
    "the newest points are evicted": (
        check_limits,
        "call('ZRANGE', KEYS[2], 0, surplus - 1)",
        "call('ZREVRANGE', KEYS[2], 0, surplus - 1)",
    ),
    "a save older than a full list stays": (
        check_limits,
        "    call('DEL', ARGV[9] .. video)\n    call('ZREM', KEYS[2], video)",
        "    if video ~= ARGV[8] then call('DEL', ARGV[9] .. video) end\n    call('ZREM', KEYS[2], video)",
    ),
    "a stored time ahead of the clock stays": (check_clock, "if item[1] > now then", "if nil then"),
    "a deletion ahead of the clock cancels new saves": (
        check_clock,
        "(earlier > now and now - 1 or earlier)",
        "earlier",
    ),
    "entries without a point stay in the index": (
        check_index,
        "if call('EXISTS', unpack(point_keys)) < #oldest then",
        "if nil then",
    ),
    "a clock alone removes entries": (
        check_index,
        "local is_added = call(",
        "call('ZREMRANGEBYSCORE', KEYS[2], '-inf', at - 2692000000) local is_added = call(",
    ),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_check_fails_with_this_bug(bug, real_redis, monkeypatch):
    check, right, wrong = BUGS[bug]
    check(real_redis) if check is not check_orders else check(real_redis, sets=3)
    assert right in MERGE_POINT.text
    broken = copy.copy(MERGE_POINT)
    broken.text = MERGE_POINT.text.replace(right, wrong)
    broken.sha = hashlib.sha1(broken.text.encode()).hexdigest()
    monkeypatch.setattr(events, "MERGE_POINT", broken)

    real_redis.flushall()
    with pytest.raises(AssertionError):
        check(real_redis)


@pytest.mark.parametrize("check", [check_limits, check_clock, check_index])
def test_limits_and_clocks_hold_on_every_server(check, any_redis):
    check(any_redis)
