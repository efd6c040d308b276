"""Remembered tokens: verified once, and never believed a moment longer than a new one would be."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest

from resume_service.auth import token_cache
from resume_service.auth.identity import Identity
from resume_service.auth.jwks import REFRESH_SECONDS
from resume_service.auth.token_cache import TokenCache
from resume_service.auth.verifier import Verifier
from resume_service.errors import Unauthorized
from resume_service.settings import Settings
from tests.support.eventually import eventually
from tests.support.forged_tokens import cut, spliced
from tests.support.jwks_issuer import ec_key, rsa_key
from tests.support.tokens import SECRET, token


@pytest.fixture
def own():
    """A verifier of tokens signed by the shared secret."""
    return Verifier.from_settings(Settings(jwt_secret=SECRET))


@pytest.fixture
def checks(monkeypatch):
    """The tokens whose signature was checked."""
    checked, decode = [], jwt.decode

    def counting(given, *args, **kwargs):
        checked.append(given)
        return decode(given, *args, **kwargs)

    monkeypatch.setattr(jwt, "decode", counting)
    return checked


class LaterTime:
    """Stands for the module `time`, ahead of it."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def time(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def later(monkeypatch):
    stands_in = LaterTime()
    monkeypatch.setattr(token_cache, "time", stands_in)
    return stands_in


def is_refused(verifier, given):
    try:
        verifier.identify(f"Bearer {given}")
    except Unauthorized:
        return True
    return False


def test_a_signature_is_checked_once(own, checks):
    given = token("ann")

    identities = {own.identify(f"Bearer {given}").user_id for _ in range(10)}

    assert identities == {"ann"}
    assert checks == [given]


def test_a_token_is_never_believed_past_its_exp(own, later, checks):
    given = token("ann", exp=int(time.time()) + 100)
    own.identify(f"Bearer {given}")

    later.ahead = 98
    own.identify(f"Bearer {given}")
    assert len(checks) == 1
    later.ahead = 101
    own.identify(f"Bearer {given}")
    assert len(checks) == 2, "it has to be checked anew, whatever comes of that"


def test_a_token_that_expires_while_it_is_remembered_is_refused(own):
    given = token("ann", exp=int(time.time()) + 3)
    assert not is_refused(own, given)

    eventually(lambda: is_refused(own, given))
    assert time.time() >= jwt.decode(given, options={"verify_signature": False})["exp"]


@pytest.mark.parametrize("fraction", [0.0, 0.4, 0.999])
def test_a_fraction_of_a_second_in_exp_adds_nothing(own, fraction):
    expires = int(time.time()) + 100
    given = token("ann", exp=expires + fraction)
    own.identify(f"Bearer {given}")

    ((_, until, _),) = own.remembered._known.values()
    assert until == expires


def test_a_token_refused_for_its_nbf_is_not_remembered_and_enters_when_its_time_comes(own):
    given = token("ann", nbf=int(time.time()) + 3)

    assert is_refused(own, given)
    assert own.remembered._known == {}
    eventually(lambda: not is_refused(own, given))


@pytest.mark.parametrize(
    "forge",
    [
        lambda good: spliced(good, token("bob")),
        lambda good: cut(good, characters=1),
        lambda good: good[:-1] + ("A" if good[-1] != "A" else "Q"),
        lambda good: good.rpartition(".")[0] + ".",
        lambda good: good.rpartition(".")[0],
        lambda good: good + "A",
        lambda good: good.swapcase(),
        lambda good: spliced(token("bob"), good),
        lambda _good: token("ann", secret="another secret, 32 bytes or more"),
    ],
)
def test_a_forged_token_gains_nothing_from_a_good_one_that_is_remembered(own, forge):
    good = token("ann")
    own.identify(f"Bearer {good}")
    forged = forge(good)

    assert forged != good
    assert is_refused(own, forged)
    assert is_refused(own, forged)
    assert own.identify(f"Bearer {good}").user_id == "ann"


def test_a_refused_token_is_not_remembered(own):
    for given in ("", "a.b.c", token(exp=1), token(sub=None), token(secret="x" * 32)):
        assert is_refused(own, given)

    assert own.remembered._known == {}


def test_what_a_token_grants_is_remembered_with_it(own):
    plain, service = token("ann"), token("ann", role="service")

    for _ in range(3):
        assert own.identify(f"Bearer {plain}") == Identity.from_claims(
            {"sub": "ann"}, trust_authority=True
        )
        assert own.identify(f"Bearer {service}") == Identity.from_claims(
            {"sub": "ann", "role": "service"}, trust_authority=True
        )


def test_an_outside_issuer_s_role_is_as_little_believed_the_second_time(verifier):
    given = rsa_key().bearer("ann", role="service")

    first, second = verifier.identify(given), verifier.identify(given)

    assert first == second
    assert first == Identity.from_claims({"sub": "ann"}, trust_authority=False)


def test_a_token_of_a_withdrawn_key_is_refused_right_after_the_refetch(
    verifier, issuer, clock, checks
):
    verifier.keys.find(rsa_key().kid)  # they are had from now on
    old = rsa_key().token("ann")
    for _ in range(3):
        verifier.identify(f"Bearer {old}")
    assert len(checks) == 1
    issuer.publish(ec_key())
    clock.ahead += REFRESH_SECONDS
    before = verifier.keys.generation

    verifier.identify(f"Bearer {old}")  # a hit, and yet it starts the refresh

    eventually(lambda: verifier.keys.generation != before)
    assert is_refused(verifier, old)
    assert verifier.identify(ec_key().bearer("ann")).user_id == "ann"


def test_keys_are_refreshed_though_every_request_is_a_hit(verifier, issuer, clock):
    given = rsa_key().bearer("ann")
    verifier.identify(given)

    for fetches in (2, 3, 4):
        clock.ahead += REFRESH_SECONDS
        for _ in range(20):
            verifier.identify(given)
        eventually(lambda: not verifier.keys._fetching)
        assert issuer.fetches == fetches


def test_a_refresh_that_brings_the_same_keys_forgets_nothing(verifier, issuer, clock, checks):
    verifier.keys.find(rsa_key().kid)
    given = rsa_key().bearer("ann")
    verifier.identify(given)
    clock.ahead += REFRESH_SECONDS
    verifier.identify(given)
    eventually(lambda: issuer.fetches == 2 and not verifier.keys._fetching)

    verifier.identify(given)

    assert len(checks) == 1


def test_a_token_verified_by_old_keys_while_new_ones_came_is_not_remembered_under_these():
    """`put` is given the generation from before the verification."""
    known = TokenCache()
    ann = Identity.from_claims({"sub": "ann"}, trust_authority=True)

    known.put("token", ann, time.time() + 60, generation=1)

    assert known.get("token", generation=1) == ann
    assert known.get("token", generation=2) is None


def test_only_so_many_are_remembered_and_the_oldest_go_first():
    known, later = TokenCache(most=3), time.time() + 60
    identities = {
        name: Identity.from_claims({"sub": name}, trust_authority=True) for name in "abcde"
    }

    for name in "abc":
        known.put(name, identities[name], later, 0)
    known.put("a", identities["a"], later, 0)
    known.put("d", identities["d"], later, 0)
    known.put("e", identities["e"], later, 0)

    assert [name for name in "abcde" if known.get(name, 0)] == ["a", "d", "e"]
    assert len(known._known) == 3


def test_tokens_themselves_are_not_kept(own):
    given = token("ann")
    own.identify(f"Bearer {given}")

    assert given not in repr(own) + repr(own.remembered._known)
    assert [len(digest) for digest in own.remembered._known] == [32]


@pytest.mark.soak
def test_many_threads_may_remember_at_once(effort):
    known, later = TokenCache(most=8), time.time() + 60
    ann = Identity.from_claims({"sub": "ann"}, trust_authority=True)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def churn(number: int) -> None:
        for turn in range(effort(1500, 50_000)):
            known.put(f"{number} {turn % 20}", ann, later, 0)
            known.get(f"{number} {turn % 7}", 0)

    try:
        with ThreadPoolExecutor(16) as threads:
            list(threads.map(churn, range(16)))
    finally:
        sys.setswitchinterval(interval)

    assert len(known._known) <= 8 + 16
