"""An operation gets the result of each of its steps, or its error."""

from __future__ import annotations

import pytest

from resume_service.errors import NotFound, Unavailable
from resume_service.redis.call import Call
from resume_service.redis.operation import Blocking, run
from tests.support.executed import Executed


class Pipeline:
    """Replies to each call with its number of commands. Fails the calls of `operation` "fail"."""

    def send(self, call):
        if call.operation == "fail":
            raise Unavailable
        return [call.count]


def new_call(operation="get"):
    call = Call(operation, (("GET", "k"),), 0.0)
    call.pipeline = Pipeline()
    return call


def test_operation_gets_the_result_of_each_step_in_order():
    def operation():
        first = yield Blocking(lambda: "blocking")
        second = yield new_call()
        return first, second

    assert run(operation()) == ("blocking", [1])


def test_operation_without_steps_returns_its_result():
    def operation():
        yield from ()
        return "result"

    assert run(operation()) == "result"


def not_found():
    raise NotFound


@pytest.mark.parametrize("step", [new_call("fail"), Blocking(not_found)], ids=["call", "block"])
def test_error_of_a_step_is_raised_in_the_operation_which_may_go_on(step):
    seen = []

    def operation():
        try:
            yield step
        except (Unavailable, NotFound) as fault:
            seen.append(type(fault))
        return (yield new_call())

    assert run(operation()) == [1]
    assert seen in ([Unavailable], [NotFound])


def test_error_that_the_operation_does_not_handle_is_raised():
    def operation():
        yield new_call("fail")

    with pytest.raises(Unavailable):
        run(operation())


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_interrupted_step_ends_the_operation_at_once(interrupt):
    """Otherwise a lock of the operation would be released only by the garbage collector."""
    released = []

    def stop():
        raise interrupt

    def operation():
        try:
            yield Blocking(stop)
        finally:
            released.append("lock")

    kept = operation()
    with pytest.raises(interrupt):
        run(kept)

    assert released == ["lock"]


def test_executed_object_runs_operations_and_returns_anything_else():
    class Store:
        name = "store"

        def get(self, number):
            return (yield Blocking(lambda: number + 1))

        def plain(self):
            return "plain"

    store = Executed(Store())

    assert (store.get(1), store.plain(), store.name) == (2, "plain", "store")
