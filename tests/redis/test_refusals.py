"""Some error replies mean that Redis can't execute commands now. They become Unavailable."""

from __future__ import annotations

import pytest
import redis

from resume_service.errors import Unavailable
from resume_service.redis.refusals import error_of, is_refused_write, raise_first_error


@pytest.mark.parametrize(
    ("message", "is_refusal"),
    [
        ("DENIED Redis is running in protected mode", True),
        ("OOM command not allowed", True),
        ("1795578000000", True),  # a garbled reply: `:1...` has become `-1...`
        ("\N{REPLACEMENT CHARACTER}", True),
        ("", True),
        ("WRONGTYPE Operation against a key", False),
        ("ERR unknown command", False),
    ],
)
def test_refusals_and_garbled_errors_become_unavailable(message, is_refusal):
    fault = redis.ResponseError(message)
    error = error_of("save", fault)

    assert isinstance(error, Unavailable) is is_refusal
    assert (error.__cause__ if is_refusal else error) is fault


def test_first_error_reply_is_raised():
    raise_first_error("save", ["OK", None, 1, []])

    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        raise_first_error(
            "save", ["OK", redis.ResponseError("WRONGTYPE"), redis.ResponseError("OOM")]
        )


def test_primary_that_refuses_writes_differs_from_a_replica():
    assert is_refused_write(redis.ResponseError("OOM command not allowed"))
    assert not is_refused_write(redis.exceptions.ReadOnlyError("READONLY You can't write"))
    assert not is_refused_write(redis.ConnectionError("gone"))
    assert not is_refused_write(None)
