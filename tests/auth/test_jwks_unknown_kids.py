"""Tokens of unknown keys, which anyone can create, cause few fetches and few waiting requests."""

from __future__ import annotations

import collections
from concurrent.futures import ThreadPoolExecutor

import pytest

from resume_service.auth import jwks, jwks_document
from resume_service.errors import ServiceError, Unauthorized, Unavailable
from tests.support.eventually import eventually
from tests.support.jwks_issuer import rsa_key


def outcome(verifier, kid):
    """The status for a token with that `kid`."""
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
    """A verifier with keys that are a minute old."""
    verifier.identify(rsa_key().bearer())
    clock.ahead += 60
    return verifier


def test_thousand_sequential_unknown_kids_cause_one_fetch(warm, issuer):
    assert outcomes(warm, 1000, threads=1) == {401: 1000}
    assert issuer.fetches == 2


def test_thousand_concurrent_unknown_kids_cause_one_fetch(warm, issuer):
    """Requests over MAX_WAITING get 503 at once."""
    statuses = outcomes(warm, 1000, threads=16)

    assert set(statuses) <= {401, 503}
    assert statuses[401] + statuses[503] == 1000
    assert issuer.fetches == 2


@pytest.mark.parametrize("healthy", [True, False])
def test_unknown_kids_cause_one_fetch_per_30_seconds(warm, issuer, clock, healthy):
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


def test_without_keys_the_issuer_is_asked_at_most_once_a_second(verifier, issuer, clock):
    issuer.publish()
    statuses = outcomes(verifier, 5, threads=1)
    clock.ahead += jwks.FIRST_FETCH_SECONDS
    statuses += outcomes(verifier, 5, threads=1)

    assert statuses == {503: 10}
    assert issuer.fetches == 2


@pytest.fixture
def hanging(warm, issuer, monkeypatch):
    """A verifier with MAX_WAITING requests that wait for a hanging fetch, and their outcomes."""
    monkeypatch.setattr(jwks_document, "FETCH_SECONDS", 60.0)
    issuer.publish(rsa_key(), rsa_key("rsa-2"))
    issuer.hang()
    with ThreadPoolExecutor(jwks.MAX_WAITING) as callers:
        waiting = [
            callers.submit(warm.identify, rsa_key("rsa-2").bearer())
            for _ in range(jwks.MAX_WAITING)
        ]
        eventually(lambda: warm.keys._waiting == jwks.MAX_WAITING)
        yield warm, waiting
        issuer.release()


def test_requests_over_the_waiting_limit_are_unavailable_at_once(hanging, issuer):
    verifier, waiting = hanging
    for _ in range(100):
        with pytest.raises(Unavailable):
            verifier.identify(rsa_key("rsa-2").bearer())

    assert not any(each.done() for each in waiting)
    assert verifier.identify(rsa_key().bearer()).user_id == "ann"
    issuer.release()
    assert [each.result(30).user_id for each in waiting] == ["ann"] * jwks.MAX_WAITING
    assert issuer.fetches == 2


def test_after_the_fetch_no_request_counts_as_waiting(hanging, issuer):
    verifier, waiting = hanging
    issuer.release()
    for each in waiting:
        each.result(30)

    assert verifier.keys._waiting == 0
    assert not verifier.keys._fetching
    with pytest.raises(Unauthorized):
        verifier.identify(rsa_key("rsa-3").bearer())
