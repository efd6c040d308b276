"""Tokens of unknown keys, which anybody can make, cost the issuer and the service next to nothing."""

from __future__ import annotations

import collections
from concurrent.futures import ThreadPoolExecutor

import pytest

from resume_service.auth import jwks, jwks_document
from resume_service.errors import ServiceError, Unauthorized, Unavailable
from tests.support.eventually import eventually
from tests.support.jwks_issuer import rsa_key


def outcome(verifier, kid):
    """The status that a token of ours under `kid` is answered with."""
    try:
        verifier.identify(rsa_key().bearer(headers={"kid": kid}))
    except ServiceError as refused:
        return refused.status
    return 200


def outcomes(verifier, count, *, threads):
    with ThreadPoolExecutor(threads) as callers:
        statuses = callers.map(lambda n: outcome(verifier, f"unknown-{n}"), range(count))
        return collections.Counter(statuses)


@pytest.fixture
def warm(verifier, clock):
    """A verifier that has had its keys for a minute."""
    verifier.identify(rsa_key().bearer())
    clock.ahead += 60
    return verifier


def test_a_thousand_one_after_another_cause_one_fetch_in_30_seconds(warm, issuer):
    assert outcomes(warm, 1000, threads=1) == {401: 1000}
    assert issuer.fetches == 2


def test_a_thousand_at_once_cause_one_fetch_in_30_seconds(warm, issuer):
    """Those beyond MOST_WAITING are told to try again; no more wait, and none enters."""
    statuses = outcomes(warm, 1000, threads=16)

    assert set(statuses) <= {401, 503}
    assert statuses[401] + statuses[503] == 1000
    assert issuer.fetches == 2


@pytest.mark.parametrize("healthy", [True, False])
def test_each_30_seconds_allow_one_fetch_more(warm, issuer, clock, healthy):
    if not healthy:
        issuer.answer = lambda request: request.send_error(500)
    for expected in (2, 3, 4):
        outcomes(warm, 20, threads=1)
        assert issuer.fetches == expected
        clock.ahead += jwks.REFETCH_SECONDS - 10
        outcomes(warm, 20, threads=1)
        assert issuer.fetches == expected
        clock.ahead += 10

    assert outcome(warm, "rsa-1") == 200


def test_before_any_key_was_had_the_issuer_is_asked_once_a_second_at_most(verifier, issuer, clock):
    issuer.publish()
    statuses = outcomes(verifier, 5, threads=1)
    clock.ahead += jwks.FIRST_FETCH_SECONDS
    statuses += outcomes(verifier, 5, threads=1)

    assert statuses == {503: 10}
    assert issuer.fetches == 2


@pytest.fixture
def hanging(warm, issuer, monkeypatch):
    """A verifier with MOST_WAITING requests that wait for a hanging fetch, and their outcomes."""
    monkeypatch.setattr(jwks_document, "FETCH_SECONDS", 60.0)
    issuer.publish(rsa_key(), rsa_key("rsa-2"))
    issuer.hang()
    with ThreadPoolExecutor(jwks.MOST_WAITING) as callers:
        waiting = [
            callers.submit(warm.identify, rsa_key("rsa-2").bearer())
            for _ in range(jwks.MOST_WAITING)
        ]
        eventually(lambda: warm.keys._waiting == jwks.MOST_WAITING)
        yield warm, waiting
        issuer.release()


def test_only_so_many_wait_and_those_beyond_are_told_at_once_to_try_again(hanging, issuer):
    verifier, waiting = hanging
    for _ in range(100):
        with pytest.raises(Unavailable):
            verifier.identify(rsa_key("rsa-2").bearer())

    assert not any(each.done() for each in waiting)
    assert verifier.identify(rsa_key().bearer()).user_id == "ann"
    issuer.release()
    assert [each.result(30).user_id for each in waiting] == ["ann"] * jwks.MOST_WAITING
    assert issuer.fetches == 2


def test_waiting_leaves_no_trace(hanging, issuer):
    verifier, waiting = hanging
    issuer.release()
    for each in waiting:
        each.result(30)

    assert verifier.keys._waiting == 0
    assert not verifier.keys._fetching
    with pytest.raises(Unauthorized):
        verifier.identify(rsa_key("rsa-3").bearer())
