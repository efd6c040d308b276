"""Whether a server has sharded channels is asked, never guessed: a wrong channel gets no message."""

from __future__ import annotations

import pytest
import redis

from resume_service.redis.sharded_channels import has_sharded_channels
from resume_service.redis.subscription import Subscription
from tests.support.fixtures.servers import REAL_SERVERS


class Connection:
    """Gives `reply` to the next command."""

    def __init__(self, reply):
        self._reply = reply

    def send_command(self, *command, check_health):
        assert command == ("COMMAND", "INFO", "SSUBSCRIBE")

    def read_response(self):
        if isinstance(self._reply, BaseException):
            raise self._reply
        return self._reply


@pytest.fixture(params=REAL_SERVERS)
def client_without_command(request, redis_servers):
    """A client of a user that may send all commands except COMMAND."""
    server = redis_servers(request.param)
    allowed = ("~*", "&*", "+@all", "-command")
    server.client.execute_command("ACL SETUSER", "limited", "on", ">pass", *allowed)
    options = {"username": "limited", "password": "pass", "decode_responses": True}
    yield redis.Redis.from_url(server.url, **options)
    server.client.execute_command("ACL", "DELUSER", "limited")


@pytest.mark.parametrize(("reply", "known"), [([None], False), ([["ssubscribe", -2, []]], True)])
def test_a_clear_reply_says_whether_the_server_has_sharded_channels(reply, known):
    assert has_sharded_channels(Connection(reply)) is known


@pytest.mark.parametrize(
    "reply",
    [
        redis.ResponseError("unknown command 'COMMAND'"),
        redis.exceptions.NoPermissionError("this user has no permissions"),
        MemoryError(),
        None,
        [],
        "OK",
        [[]],
        [0],
        ["ssubscribe"],
        [["get", 2, []]],
        [None, None],
    ],
)
def test_a_refused_or_garbled_reply_is_an_error(reply):
    with pytest.raises(redis.RedisError):
        has_sharded_channels(Connection(reply))


def test_no_subscription_opens_if_the_server_refuses_the_question(client_without_command):
    with pytest.raises(redis.exceptions.NoPermissionError):
        Subscription(client_without_command, 5.0, lambda *_: None, lambda: None)
