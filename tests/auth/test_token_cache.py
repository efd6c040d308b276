"""The token cache: a token is verified once, and never accepted after its `exp`."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import jwt
import pytest

from resume_service.auth import token_cache
from resume_service.auth.identity import Identity
from resume_service.auth.jwks import REFETCH_SECONDS, REFRESH_SECONDS
from resume_service.auth.token_cache import REFUSED_SECONDS, TokenCache
from resume_service.auth.verifier import Verifier
from resume_service.errors import Unauthorized
from resume_service.settings import Settings
from tests.support.eventually import eventually
from tests.support.forged_tokens import cut, spliced
from tests.support.jwks_issuer import ec_key, rsa_key
from tests.support.tokens import SECRET, token


@pytest.fixture
def by_secret():
    """A verifier of tokens that are signed by the shared secret."""
    return Verifier.from_settings(Settings(jwt_secret=SECRET))


@pytest.fixture
def checks(monkeypatch):
    """The tokens with a checked signature."""
    checked, decode = [], jwt.decode

    def counting(given, *args, **kwargs):
        checked.append(given)
        return decode(given, *args, **kwargs)

    monkeypatch.setattr(jwt, "decode", counting)
    return checked


class Later:
    """Replaces the module `time` with a clock that is `ahead` seconds ahead."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def time(self) -> float:
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


@pytest.fixture
def later(monkeypatch):
    """The clock of the token cache and of PyJWT, which a test sets forward."""
    replacement = Later()

    class LaterDatetime(datetime):
        @classmethod
        def now(cls, tz=None):
            return super().now(tz) + timedelta(seconds=replacement.ahead)

    monkeypatch.setattr(token_cache, "time", replacement)
    monkeypatch.setattr(jwt.api_jwt, "datetime", LaterDatetime)
    return replacement


def is_refused(verifier, given):
    try:
        verifier.identify(f"Bearer {given}")
    except Unauthorized:
        return True
    return False


def test_signature_is_checked_once(by_secret, checks):
    given = token("ann")

    identities = {by_secret.identify(f"Bearer {given}").user_id for _ in range(10)}

    assert identities == {"ann"}
    assert checks == [given]


def test_cached_token_is_refused_after_its_exp(by_secret, later, checks):
    given = token("ann", exp=int(time.time()) + 100)
    assert not is_refused(by_secret, given)

    later.ahead = 98
    assert not is_refused(by_secret, given)
    assert checks == [given]
    later.ahead = 101
    assert is_refused(by_secret, given)
    assert checks == [given, given]


@pytest.mark.parametrize("fraction", [0.0, 0.4, 0.999])
def test_fraction_of_a_second_in_exp_adds_no_lifetime(by_secret, fraction):
    expires = int(time.time()) + 100
    given = token("ann", exp=expires + fraction)
    by_secret.identify(f"Bearer {given}")

    ((_, until, _),) = by_secret.token_cache._entries.values()
    assert until == expires


def test_token_before_its_nbf_is_not_cached_and_is_accepted_later(by_secret, later):
    given = token("ann", nbf=int(time.time()) + 100)

    assert is_refused(by_secret, given)
    assert by_secret.token_cache._entries == by_secret.token_cache._refused == {}
    later.ahead = 101
    assert not is_refused(by_secret, given)


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
def test_forged_token_is_refused_while_the_good_one_is_cached(by_secret, forge):
    good = token("ann")
    by_secret.identify(f"Bearer {good}")
    forged = forge(good)

    assert forged != good
    assert is_refused(by_secret, forged)
    assert is_refused(by_secret, forged)
    assert by_secret.identify(f"Bearer {good}").user_id == "ann"


REFUSED = {
    "empty": "",
    "garbage": "a.b.c",
    "expired": token(exp=1),
    "without sub": token(sub=None),
    "of another secret": token(secret="x" * 32),
    "exp is text": token(exp="4000000000"),
}


@pytest.mark.parametrize("given", REFUSED.values(), ids=REFUSED)
def test_refused_token_is_checked_once_a_minute(by_secret, later, monkeypatch, given):
    checked, verified = [], Verifier._verified
    monkeypatch.setattr(
        Verifier, "_verified", lambda self, token: checked.append(token) or verified(self, token)
    )

    assert all(is_refused(by_secret, given) for _ in range(10))
    assert checked == [given]
    later.ahead = REFUSED_SECONDS + 1
    assert is_refused(by_secret, given)
    assert checked == [given, given]
    assert by_secret.token_cache._entries == {}


def test_refused_token_is_stored_as_a_digest(by_secret):
    given = token(exp=1)
    is_refused(by_secret, given)

    assert given not in repr(by_secret) + repr(by_secret.token_cache._refused)
    assert [len(digest) for digest in by_secret.token_cache._refused] == [32]


def test_other_schemes_are_refused(by_secret):
    given = token("ann")
    by_secret.identify(f"Bearer {given}")

    for authorization in (None, "", given, f"Basic {given}", f"Bearer{given}", "Bearer", " "):
        for identify in (by_secret.identify, by_secret.identify, by_secret.cached):
            with pytest.raises(Unauthorized):
                identify(authorization)
    assert by_secret.identify(f"bearer  {given} ").user_id == "ann"


def test_refusal_by_old_keys_is_forgotten(verifier, issuer, clock, checks):
    """The issuer may publish the key that signed the token."""
    verifier.keys.find(rsa_key().kid)
    given = forged = rsa_key().bearer("ann")[:-4] + "AAAA"
    with pytest.raises(Unauthorized):
        verifier.identify(forged)
    issuer.publish(rsa_key(), ec_key())
    before = verifier.keys.generation
    clock.ahead += REFRESH_SECONDS
    verifier.keys.refresh_when_due()
    eventually(lambda: verifier.keys.generation != before)

    for _ in range(3):
        with pytest.raises(Unauthorized):
            verifier.identify(given)
    assert len(checks) == 2


def test_token_of_an_unknown_key_is_not_cached_as_refused(verifier, issuer, clock):
    """Otherwise no later request with this token would start a fetch of the new key."""
    verifier.keys.find(rsa_key().kid)
    given = ec_key().bearer("ann")
    with pytest.raises(Unauthorized):
        verifier.identify(given)
    issuer.publish(rsa_key(), ec_key())

    clock.ahead += REFETCH_SECONDS
    assert verifier.identify(given).user_id == "ann"


def test_cached_verifies_nothing_and_never_blocks(verifier, issuer, clock, checks):
    verifier.keys.find(rsa_key().kid)
    given, forged = rsa_key().bearer("ann"), rsa_key().bearer("ann")[:-4] + "AAAA"
    fetches = issuer.fetches

    assert verifier.cached(given) is verifier.cached(forged) is None
    assert checks == []
    verifier.identify(given)
    with pytest.raises(Unauthorized):
        verifier.identify(forged)
    assert verifier.cached(given).user_id == "ann"
    with pytest.raises(Unauthorized):
        verifier.cached(forged)
    assert len(checks) == 2
    clock.ahead += REFRESH_SECONDS
    assert verifier.cached(given) is None  # `identify` must start a fetch
    assert issuer.fetches == fetches


def test_requests_use_the_cache_while_a_fetch_hangs(verifier, issuer, clock):
    given = rsa_key().bearer("ann")
    verifier.identify(given)
    issuer.hang()
    clock.ahead += REFRESH_SECONDS

    verifier.identify(given)

    assert verifier.cached(given).user_id == "ann"
    issuer.release()
    eventually(lambda: not verifier.keys._fetching)


def test_full_cache_of_refusals_drops_the_oldest():
    cache = TokenCache(max_refused=3)

    for name in (b"a", b"b", b"c", b"a", b"d", b"e"):
        cache.put_refused(name, 0)

    assert [name for name in (b"a", b"b", b"c", b"d", b"e") if cache.is_refused(name, 0)] == [
        b"a",
        b"d",
        b"e",
    ]
    assert not cache.is_refused(b"a", 1)


def test_each_token_is_cached_with_its_own_identity(by_secret):
    plain, service = token("ann"), token("ann", role="service")

    for _ in range(3):
        assert by_secret.identify(f"Bearer {plain}") == Identity.from_claims(
            {"sub": "ann"}, trust_authority=True
        )
        assert by_secret.identify(f"Bearer {service}") == Identity.from_claims(
            {"sub": "ann", "role": "service"}, trust_authority=True
        )


def test_role_of_an_outside_issuer_is_ignored_from_the_cache_too(verifier):
    given = rsa_key().bearer("ann", role="service")

    first, second = verifier.identify(given), verifier.identify(given)

    assert first == second
    assert first == Identity.from_claims({"sub": "ann"}, trust_authority=False)


def test_token_of_a_withdrawn_key_is_refused_after_the_refresh(verifier, issuer, clock, checks):
    verifier.keys.find(rsa_key().kid)  # fetches the keys
    old = rsa_key().token("ann")
    for _ in range(3):
        verifier.identify(f"Bearer {old}")
    assert len(checks) == 1
    issuer.publish(ec_key())
    clock.ahead += REFRESH_SECONDS
    before = verifier.keys.generation

    verifier.identify(f"Bearer {old}")  # a cache hit, which starts the refresh

    eventually(lambda: verifier.keys.generation != before)
    assert is_refused(verifier, old)
    assert verifier.identify(ec_key().bearer("ann")).user_id == "ann"


def test_keys_are_refreshed_even_if_every_request_is_a_cache_hit(verifier, issuer, clock):
    given = rsa_key().bearer("ann")
    verifier.identify(given)

    for fetches in (2, 3, 4):
        clock.ahead += REFRESH_SECONDS
        for _ in range(20):
            verifier.identify(given)
        eventually(lambda: not verifier.keys._fetching)
        assert issuer.fetches == fetches


def test_refresh_with_the_same_keys_keeps_the_cache(verifier, issuer, clock, checks):
    verifier.keys.find(rsa_key().kid)
    given = rsa_key().bearer("ann")
    verifier.identify(given)
    clock.ahead += REFRESH_SECONDS
    verifier.identify(given)
    eventually(lambda: issuer.fetches == 2 and not verifier.keys._fetching)

    verifier.identify(given)

    assert len(checks) == 1


def test_token_verified_by_old_keys_is_not_cached_for_new_keys():
    """`put` gets the generation of the keys before the verification."""
    cache = TokenCache()
    ann = Identity.from_claims({"sub": "ann"}, trust_authority=True)

    cache.put("token", ann, time.time() + 60, generation=1)

    assert cache.get("token", generation=1) == ann
    assert cache.get("token", generation=2) is None


def test_full_cache_drops_the_oldest_tokens():
    cache, later = TokenCache(max_tokens=3), time.time() + 60
    identities = {
        name: Identity.from_claims({"sub": name}, trust_authority=True) for name in "abcde"
    }

    for name in "abc":
        cache.put(name, identities[name], later, 0)
    cache.put("a", identities["a"], later, 0)
    cache.put("d", identities["d"], later, 0)
    cache.put("e", identities["e"], later, 0)

    assert [name for name in "abcde" if cache.get(name, 0)] == ["a", "d", "e"]
    assert len(cache._entries) == 3


def test_cache_stores_digests_not_tokens(by_secret):
    given = token("ann")
    by_secret.identify(f"Bearer {given}")

    assert given not in repr(by_secret) + repr(by_secret.token_cache._entries)
    assert [len(digest) for digest in by_secret.token_cache._entries] == [32]


@pytest.mark.soak
def test_concurrent_threads_keep_the_cache_within_its_limit(effort):
    cache, later = TokenCache(max_tokens=8), time.time() + 60
    ann = Identity.from_claims({"sub": "ann"}, trust_authority=True)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def churn(number: int) -> None:
        for turn in range(effort(1500, 50_000)):
            cache.put(f"{number} {turn % 20}", ann, later, 0)
            cache.get(f"{number} {turn % 7}", 0)

    try:
        with ThreadPoolExecutor(16) as threads:
            list(threads.map(churn, range(16)))
    finally:
        sys.setswitchinterval(interval)

    assert len(cache._entries) <= 8 + 16
