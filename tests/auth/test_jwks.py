"""The keys of an issuer: the keys that verify tokens, and the times of a fetch."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from resume_service import create_app
from resume_service.auth.jwks import REFRESH_SECONDS
from resume_service.errors import Unauthorized, Unavailable
from resume_service.settings import Settings
from tests.support.eventually import eventually
from tests.support.forged_tokens import claims, segment, signed
from tests.support.jwks_issuer import Issuer, SigningKey, ec_key, rsa_key
from tests.support.tokens import SECRET, bearer


@pytest.fixture
def app(issuer: Issuer, real_redis):
    settings = Settings(jwt_secret=SECRET, jwt_jwks_url=issuer.url)
    return create_app(settings, client=real_redis)


def status(app, authorization):
    headers = {"Authorization": authorization}
    return app.test_client().get("/api/progress/ann", headers=headers).status_code


def test_keys_are_fetched_only_for_the_first_token_that_needs_them(app, issuer):
    client = app.test_client()
    answers = [
        client.get("/healthz"),
        client.get("/readyz"),
        client.get("/api/progress/ann"),
        client.get("/api/progress/ann", headers=bearer("ann")),
        client.get("/api/progress/ann", headers={"Authorization": "Bearer a.b.c"}),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 401, 200, 401]
    assert issuer.fetches == 0
    assert status(app, rsa_key().bearer()) == 200
    assert issuer.fetches == 1


@pytest.mark.parametrize("key", [rsa_key, ec_key])
def test_token_of_a_published_key_is_accepted(app, issuer, key):
    issuer.publish(rsa_key(), ec_key())

    assert status(app, key().bearer()) == 200
    assert status(app, key().bearer(sub="bob")) == 403


def test_one_fetch_serves_a_hundred_tokens(verifier, issuer):
    for number in range(100):
        assert verifier.identify(rsa_key().bearer(f"user-{number}")).user_id == f"user-{number}"

    assert issuer.fetches == 1


def test_new_key_is_found_with_one_fetch(verifier, issuer, clock):
    verifier.identify(rsa_key().bearer())
    clock.ahead += 30
    issuer.publish(rsa_key(), rsa_key("rsa-2"))

    assert verifier.identify(rsa_key("rsa-2").bearer()).user_id == "ann"
    assert verifier.identify(rsa_key().bearer()).user_id == "ann"
    assert issuer.fetches == 2


def test_stale_keys_are_refreshed_by_one_fetch_and_not_before(verifier, issuer, clock):
    verifier.identify(rsa_key().bearer())
    clock.ahead += REFRESH_SECONDS - 60
    verifier.identify(rsa_key().bearer())

    assert issuer.fetches == 1
    clock.ahead += 60
    for _ in range(20):
        verifier.identify(rsa_key().bearer())
    eventually(lambda: not verifier.keys._fetching)
    verifier.identify(rsa_key().bearer())
    assert issuer.fetches == 2


def other_curve():
    private = ec.generate_private_key(ec.SECP384R1())
    return SigningKey("odd", private, "ES384")


ODD_RSA = {
    "of use enc": {"use": "enc"},
    "of use 0": {"use": 0},
    "of alg RS512": {"alg": "RS512"},
    "of alg PS256": {"alg": "PS256"},
    "of alg HS256": {"alg": "HS256"},
    "of alg none": {"alg": "none"},
    "without kid": {"kid": None},
    "with a number for kid": {"kid": 1},
    "with its private half": RSAAlgorithm.to_jwk(rsa_key("odd").private, as_dict=True),
    "without modulus": {"n": None},
    "with a modulus that is a number": {"n": 5},
    "with a modulus that is not base64": {"n": "!"},
    "with an exponent of 1": {"e": "AQ"},
    "with an exponent that is a list": {"e": []},
    "of no type": {"kty": None},
    "of an unknown type": {"kty": "OKP"},
    "of a type that is a list": {"kty": ["RSA"]},
    "of type EC": {"kty": "EC"},
    "of type oct": {"kty": "oct", "k": "c2VjcmV0"},
}
ODD_EC = {
    "on another curve by name": {"crv": "P-384"},
    "on no curve": {"crv": None},
    "off its curve": {"x": ec_key("other").jwk()["x"]},
    "without y": {"y": None},
    "with its private half": ECAlgorithm.to_jwk(ec_key("odd").private, as_dict=True),
    "of alg ES384": {"alg": "ES384"},
}
ODD = (
    [pytest.param(rsa_key("odd"), members, id=f"RSA {n}") for n, members in ODD_RSA.items()]
    + [pytest.param(ec_key("odd"), members, id=f"EC {n}") for n, members in ODD_EC.items()]
    + [pytest.param(rsa_key("odd", 1024), {}, id="RSA of 1024 bits")]
)


@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
@pytest.mark.parametrize(("key", "members"), ODD)
def test_unusable_key_breaks_neither_other_keys_nor_the_fetch(verifier, issuer, key, members):
    issuer.publish(key.jwk(**members), rsa_key())

    assert verifier.identify(rsa_key().bearer()).user_id == "ann"
    with pytest.raises(Unauthorized):
        verifier.identify(key.bearer())
    assert set(verifier.keys._keys) == {"rsa-1"}


def test_key_on_p_384_is_refused(verifier, issuer):
    key = other_curve()
    issuer.publish(key.jwk(alg=None), rsa_key())
    verifier.identify(rsa_key().bearer())

    with pytest.raises(Unauthorized):
        verifier.identify(key.bearer())


def test_published_secret_verifies_no_token(verifier, issuer):
    secret = {"kty": "oct", "k": segment(SECRET.encode()), "kid": "odd"}
    issuer.publish(secret | {"alg": "HS256"}, rsa_key())
    forged = signed({"alg": "HS256", "kid": "odd"}, claims())

    with pytest.raises(Unauthorized):
        verifier.identify(f"Bearer {forged}")


def test_key_set_without_a_usable_key_is_unavailable(verifier, issuer):
    issuer.publish(rsa_key().jwk(use="enc"))

    with pytest.raises(Unavailable):
        verifier.identify(rsa_key().bearer())


@pytest.mark.parametrize("bad_first", [True, False])
def test_unusable_key_does_not_replace_a_good_key_with_its_id(verifier, issuer, bad_first):
    pair = [ec_key().jwk(kid="rsa-1", crv="P-384"), rsa_key().jwk()]
    issuer.publish(*(pair if bad_first else reversed(pair)))

    assert verifier.identify(rsa_key().bearer()).user_id == "ann"
