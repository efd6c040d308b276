"""`flask token`: prints a token, for tests by hand or for a backend without an issuer."""

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
    assert isinstance(result.exception, SystemExit), "the command must not print a traceback"
    assert result.exit_code != 0
    assert result.stdout == ""
    return result.stderr


def claims_of(token):
    return jwt.decode(token, options={"verify_signature": False})


@pytest.mark.parametrize("settings", [{}, CHECKED], ids=["plain", "all checked"])
def test_token_works_only_for_its_user(real_redis, settings):
    app = an_app(real_redis, **settings)
    headers = {"Authorization": f"Bearer {printed(app, 'ann')}"}

    assert app.test_client().get("/api/progress/ann", headers=headers).status_code == 200
    assert app.test_client().get("/api/progress/bob", headers=headers).status_code == 403


@pytest.mark.parametrize(("role", "status"), [("guest", 403), ("admin", 403), ("service", 200)])
def test_token_has_the_requested_role(real_redis, role, status):
    app = an_app(real_redis)
    headers = {"Authorization": f"Bearer {printed(app, 'backend', '--role', role)}"}

    assert app.test_client().get("/api/progress/bob", headers=headers).status_code == status


def test_token_has_only_times_and_the_claims_that_the_service_checks(real_redis):
    plain = claims_of(printed(an_app(real_redis), "ann"))
    checked = claims_of(printed(an_app(real_redis, **CHECKED), "ann"))

    assert set(plain) == {"sub", "iat", "exp"}
    assert checked["iss"] == "https://issuer.example"
    assert checked["aud"] == "resume"
    assert checked["azp"] == "https://player.example"


@pytest.mark.parametrize(("args", "hours"), [([], 24), (["--hours", "2"], 2)])
def test_token_lasts_a_day_or_the_requested_hours(real_redis, args, hours):
    expires = claims_of(printed(an_app(real_redis), "ann", *args))["exp"]

    assert expires - time.time() == pytest.approx(hours * 3600, abs=60)


def test_without_a_secret_the_command_fails(real_redis):
    app = an_app(real_redis, jwt_secret=None, jwt_jwks_url="https://issuer.example/keys")

    assert "JWT_SECRET" in refusal(app, "ann")


@pytest.mark.parametrize(
    "user", [*sorted(RESERVED_USER_IDS), "", " ", "a b", "a/b", "a\n", "u" * 129]
)
def test_invalid_user_is_refused(real_redis, user):
    assert "USER" in refusal(an_app(real_redis), user)


@pytest.mark.parametrize("args", [["--role", "root"], ["--role", ""], ["--role", "Service"]])
def test_unknown_role_is_refused(real_redis, args):
    assert "--role" in refusal(an_app(real_redis), "ann", *args)


@pytest.mark.parametrize("hours", ["0", "-1", "0.5", "soon", "nan", "inf", "1e308", "99999999"])
def test_invalid_hours_are_refused(real_redis, hours):
    assert "--hours" in refusal(an_app(real_redis), "ann", "--hours", hours)


def test_missing_user_is_refused(real_redis):
    assert "USER" in refusal(an_app(real_redis))
