"""Responses that clients do not read need limited memory."""

from __future__ import annotations

import pytest

from resume_service.server import limits
from resume_service.server.unsent import UnsentResponses

HALF = limits.MAX_UNSENT // 2


class Client:
    def __init__(self) -> None:
        self.is_closed = False

    def abort(self) -> None:
        self.is_closed = True


@pytest.fixture
def unsent():
    return UnsentResponses()


def test_responses_within_the_limit_close_no_connection(unsent):
    first, second = Client(), Client()

    with unsent.sending(first, HALF), unsent.sending(second, HALF):
        assert not first.is_closed

    with unsent.sending(second, limits.MAX_UNSENT):  # the first two are sent
        assert not first.is_closed


def test_oldest_responses_are_closed_beyond_the_limit(unsent):
    clients = [Client() for _ in range(4)]

    with (
        unsent.sending(clients[0], HALF),
        unsent.sending(clients[1], HALF),
        unsent.sending(clients[2], 1),
        unsent.sending(clients[3], HALF),
    ):
        assert [each.is_closed for each in clients] == [True, True, False, False]


def test_single_response_beyond_the_limit_is_sent(unsent):
    client = Client()

    with unsent.sending(client, 2 * limits.MAX_UNSENT):
        assert not client.is_closed
