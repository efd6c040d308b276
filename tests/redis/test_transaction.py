"""A batch of commands is one transaction, unless Redis refuses one of them."""

from __future__ import annotations

import pytest
import redis

from resume_service.redis.operation import run
from resume_service.redis.router import RedisRouter
from resume_service.redis.servers import OneServer
from resume_service.redis.transaction import in_transaction, replies_in

REFUSED = redis.ResponseError("refused")
ABORTED = redis.exceptions.ExecAbortError("discarded")


@pytest.fixture
def send(real_redis):
    """`send(*commands)` returns the outcomes of commands in one batch."""
    router = RedisRouter(OneServer(real_redis))
    return lambda *commands: run(router.send_each("batch", [(each[1], each) for each in commands]))


def test_replies_have_the_order_of_the_commands(send):
    assert send(("SET", "a", "1"), ("INCR", "a"), ("GET", "a")) == ["OK", 2, "2"]


def test_error_of_a_command_is_its_outcome_and_the_others_are_executed(send, real_redis):
    first, failed, last = send(("SET", "a", "x"), ("INCR", "a"), ("SET", "b", "1"))

    assert (first, last, real_redis.get("b")) == ("OK", "OK", "1")
    assert isinstance(failed, redis.ResponseError)


def test_commands_that_redis_accepts_are_executed_alone_if_it_refuses_one(send, real_redis):
    first, failed, last = send(("SET", "a", "1"), ("NOSUCH", "a"), ("SET", "b", "1"))

    assert (first, last, real_redis.get("b")) == ("OK", "OK", "1")
    assert isinstance(failed, redis.ResponseError)


def test_single_command_is_sent_alone(send):
    assert in_transaction([("GET", "a")]) == [("GET", "a")]
    assert send(("SET", "a", "1")) == ["OK"]


def test_without_a_transaction_each_command_has_its_own_reply():
    """For example, an ACL does not allow MULTI. Then Redis executes each command alone."""
    assert replies_in([REFUSED, "OK", 2, REFUSED], 2) == ["OK", 2]


@pytest.mark.parametrize("executed", [ABORTED, None, [1], "OK"])
def test_transaction_without_a_complete_result_has_no_replies(executed):
    assert replies_in(["OK", "QUEUED", REFUSED, executed], 2) is None
