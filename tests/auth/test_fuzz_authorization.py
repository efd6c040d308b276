"""Random Authorization headers: the response is 200, 401 or 403, and never 500."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from resume_service.ids import is_id
from tests.support.forged_tokens import claims, good, signed
from tests.support.jwks_issuer import rsa_key

LATIN_1 = st.text(st.characters(max_codepoint=255))
SCHEMES = st.sampled_from(["", "Bearer", "Bearer ", "bearer  ", "Basic ", "Bearer\t"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
HEADER_NAMES = ["alg", "kid", "typ", "cty", "crit", "b64", "jku", "jwk", "x5u", "x5c", "enc"]
CLAIM_NAMES = ["exp", "nbf", "iat", "iss", "aud", "azp", "jti", "role", "corporation_id"]


@pytest.fixture
def ask(strict):
    """`ask(authorization)`: the status of a request for the points of ann, with that header."""

    def status(authorization):
        given = {"HTTP_AUTHORIZATION": authorization}
        return strict.get("/api/progress/ann", environ_overrides=given).status_code

    return status


@pytest.fixture
def holds_for(effort):
    """`holds_for(strategy, check)`: run `check` on many examples, and on more in `make soak`."""

    def run(strategy, check):
        tried = settings(
            max_examples=effort(60, 20_000),
            deadline=None,
            database=None,
            suppress_health_check=[HealthCheck.too_slow],
        )
        tried(given(strategy)(check))()

    return run


@st.composite
def mutated(draw, tokens):
    """One of `tokens` with some characters replaced, removed or added."""
    token = draw(st.sampled_from(tokens))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(token)))
        length = draw(st.sampled_from([0, 1, 5, 100]))
        token = token[:at] + draw(LATIN_1) + token[at + length :]
    return token


@pytest.mark.soak
def test_any_text_is_refused(ask, holds_for):
    def check(parts):
        assert ask("".join(parts)) == 401

    holds_for(st.tuples(SCHEMES, LATIN_1), check)


@pytest.mark.soak
def test_changed_token_is_refused(ask, holds_for):
    tokens = [good(), rsa_key().token(**claims())]

    def check(token):
        assume(token.strip(" ").rstrip("=") not in tokens)  # padding is ignored
        assert ask(f"Bearer {token}") == 401

    holds_for(mutated(tokens), check)


@pytest.mark.soak
def test_any_jwt_header_with_a_valid_signature_is_200_or_401(ask, holds_for):
    def check(members):
        assert ask(f"Bearer {signed({'alg': 'HS256'} | members, claims())}") in (200, 401)

    holds_for(st.dictionaries(st.sampled_from(HEADER_NAMES), JSON), check)


@pytest.mark.soak
def test_any_claims_with_a_valid_signature_are_200_or_401(ask, holds_for):
    def check(changes):
        assert ask(f"Bearer {good(**changes)}") in (200, 401)

    holds_for(st.dictionaries(st.sampled_from(CLAIM_NAMES), JSON), check)


@pytest.mark.soak
def test_random_json_as_header_and_claims_is_refused(ask, holds_for):
    def check(parts):
        assert ask(f"Bearer {signed(*parts)}") == 401

    holds_for(st.tuples(JSON, JSON), check)


@pytest.mark.soak
def test_subject_is_refused_unless_it_is_an_id(ask, holds_for):
    """A valid id of another user is a 403."""

    def check(subject):
        allowed = {200, 403} if is_id(subject) else {401}
        assert ask(f"Bearer {good(sub=subject)}") in allowed

    holds_for(JSON | st.text(min_size=100, max_size=150), check)
