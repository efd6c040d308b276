"""`flask token`: a token for trying the service by hand, or for a backend that has none."""

from __future__ import annotations

import time

import jwt
import pytest

from resume_service import create_app
from resume_service.ids import RESERVED_USER_IDS
from resume_service.settings import Settings
from tests.support.tokens import SECRET

CHECKED = {
    "jwt_issuer": "https://issuer.example",
    "jwt_audience": "resume",
    "jwt_authorized_parties": ("https://player.example", "https://tv.example"),
}


def an_app(redis, **settings):
    return create_app(Settings(**({"jwt_secret": SECRET} | settings)), client=redis)


def printed(app, *args):
    result = app.test_cli_runner().invoke(args=["token", *args])
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def refusal(app, *args):
    result = app.test_cli_runner().invoke(args=["token", *args])
    assert isinstance(result.exception, SystemExit), "a traceback is no answer"
    assert result.exit_code != 0
    assert result.stdout == ""
    return result.stderr


def claims_of(token):
    return jwt.decode(token, options={"verify_signature": False})


@pytest.mark.parametrize("settings", [{}, CHECKED], ids=["plain", "all checked"])
def test_its_token_works_on_the_api_for_its_user_alone(real_redis, settings):
    app = an_app(real_redis, **settings)
    headers = {"Authorization": f"Bearer {printed(app, 'ann')}"}

    assert app.test_client().get("/api/progress/ann", headers=headers).status_code == 200
    assert app.test_client().get("/api/progress/bob", headers=headers).status_code == 403


@pytest.mark.parametrize(("role", "status"), [("guest", 403), ("admin", 403), ("service", 200)])
def test_its_token_carries_the_role_asked_for(real_redis, role, status):
    app = an_app(real_redis)
    headers = {"Authorization": f"Bearer {printed(app, 'backend', '--role', role)}"}

    assert app.test_client().get("/api/progress/bob", headers=headers).status_code == status


def test_it_names_when_it_was_made_and_what_the_service_checks_and_nothing_else(real_redis):
    plain = claims_of(printed(an_app(real_redis), "ann"))
    checked = claims_of(printed(an_app(real_redis, **CHECKED), "ann"))

    assert set(plain) == {"sub", "iat", "exp"}
    assert checked["iss"] == "https://issuer.example"
    assert checked["aud"] == "resume"
    assert checked["azp"] == "https://player.example"


@pytest.mark.parametrize(("args", "hours"), [([], 24), (["--hours", "2"], 2)])
def test_its_token_lasts_a_day_or_as_long_as_asked(real_redis, args, hours):
    expires = claims_of(printed(an_app(real_redis), "ann", *args))["exp"]

    assert expires - time.time() == pytest.approx(hours * 3600, abs=60)


def test_it_signs_nothing_without_a_secret(real_redis):
    app = an_app(real_redis, jwt_secret=None, jwt_jwks_url="https://issuer.example/keys")

    assert "JWT_SECRET" in refusal(app, "ann")


@pytest.mark.parametrize("user", [*RESERVED_USER_IDS, "", " ", "a b", "a/b", "a\n", "u" * 129])
def test_it_refuses_a_user_that_the_api_would_refuse(real_redis, user):
    assert "USER" in refusal(an_app(real_redis), user)


@pytest.mark.parametrize("args", [["--role", "root"], ["--role", ""], ["--role", "Service"]])
def test_it_refuses_a_role_that_is_none(real_redis, args):
    assert "--role" in refusal(an_app(real_redis), "ann", *args)


@pytest.mark.parametrize("hours", ["0", "-1", "0.5", "soon", "nan", "inf", "1e308", "99999999"])
def test_it_refuses_a_span_that_is_none(real_redis, hours):
    assert "--hours" in refusal(an_app(real_redis), "ann", "--hours", hours)


def test_it_refuses_to_guess_the_user(real_redis):
    assert "USER" in refusal(an_app(real_redis))
