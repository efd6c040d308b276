"""`/v1/auth`: sign in, keep signed in, sign out."""

from __future__ import annotations

from flask import Response
from marshmallow import fields, validate

from resume_service.accounts import permissions
from resume_service.accounts.schemas.fields import EmailAddress, Password
from resume_service.accounts.sign_in import SignIn, TokenPair
from resume_service.rate_limits.limiter import Limit
from resume_service.web.fields import BodySchema
from resume_service.web.messages import (
    Answer,
    Blueprint,
    arrived_at,
    json_answer,
    respond,
    take_turn,
)
from resume_service.web.services import there

BY_CLIENT = Limit("sign-in-of-client", turns=10)
BY_ADDRESS = Limit("sign-in-of-address", turns=10)
EXAMPLE_PAIR = {
    "access_token": "eyJhbGciOiJIUzI1NiIs…",
    "refresh_token": "3vTzq0dF…",
    "token_type": "Bearer",
    "expires_in": 900,
}

blp = Blueprint("sign_in", __name__, url_prefix="/v1/auth", description="Signing in and out.")


class SignInSchema(BodySchema):
    email = EmailAddress(required=True)
    password = Password(required=True)


class RefreshSchema(BodySchema):
    refresh_token = fields.String(required=True, validate=validate.Regexp("^[!-~]{1,128}$"))


class TokenPairSchema(BodySchema):
    access_token = fields.String(required=True, metadata={"description": "A JWT, for every call."})
    refresh_token = fields.String(required=True, metadata={"description": "Good for one use."})
    token_type = fields.String(required=True, validate=validate.Equal("Bearer"))
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds."})


@blp.route("/login", methods=["POST"])
@blp.arguments(SignInSchema, example={"email": "ann@example.com", "password": "correct horse"})
@blp.response(200, TokenPairSchema, example=EXAMPLE_PAIR)
@blp.errors(400, 401, 413, 415, 422, 429, 503, public=True)
def login(body: dict[str, str]) -> Response:
    """Sign in by address and password; ten tries a minute for each client and each address."""
    take_turn(BY_CLIENT, permissions.client())
    take_turn(BY_ADDRESS, body["email"])
    signed_in = _sign_in().sign_in(body["email"], body["password"], arrived_at())
    return _pair_answer(signed_in)


@blp.route("/refresh", methods=["POST"])
@blp.arguments(RefreshSchema, example={"refresh_token": "3vTzq0dF…"})
@blp.response(200, TokenPairSchema, example=EXAMPLE_PAIR)
@blp.errors(400, 401, 413, 415, 422, 503, public=True)
def refresh(body: dict[str, str]) -> Response:
    """Change a refresh token for a new pair. Used twice, it ends the whole sign-in."""
    return _pair_answer(_sign_in().refresh(body["refresh_token"], arrived_at()))


@blp.route("/logout", methods=["POST"])
@blp.arguments(RefreshSchema, example={"refresh_token": "3vTzq0dF…"})
@blp.response(204)
@blp.errors(400, 413, 415, 422, 503, public=True)
def logout(body: dict[str, str]) -> Response:
    """End a sign-in: its refresh tokens hold no more. An unknown token is as good as signed out."""
    _sign_in().sign_out(body["refresh_token"], arrived_at())
    return respond(Answer(204))


def _sign_in() -> SignIn:
    return there(permissions.accounts().sign_in)


def _pair_answer(pair: TokenPair) -> Response:
    return respond(json_answer(pair._asdict() | {"token_type": "Bearer"}))
