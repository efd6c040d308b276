"""`/v1/auth`: sign in, refresh tokens, sign out."""

from __future__ import annotations

from flask import Response

from resume_service.accounts.schemas.sign_in import (
    EXAMPLE_PAIR,
    RefreshSchema,
    SignInSchema,
    TokenPairSchema,
)
from resume_service.accounts.sign_in import SignIn, TokenPair
from resume_service.rate_limits.limiter import Limit
from resume_service.web import context
from resume_service.web.blueprint import Blueprint
from resume_service.web.context import arrived_at, enforce
from resume_service.web.messages import ApiResponse, flask_response, json_response
from resume_service.web.services import services

BY_CLIENT_ADDRESS = Limit("sign-in-of-client", quota=10)
BY_EMAIL = Limit("sign-in-of-address", quota=10)

blp = Blueprint("sign_in", __name__, url_prefix="/v1/auth")


@blp.route("/login", methods=["POST"])
@blp.arguments(SignInSchema, example={"email": "ann@example.com", "password": "correct horse"})
@blp.response(200, TokenPairSchema, example=EXAMPLE_PAIR)
@blp.errors(400, 401, 413, 415, 422, 429, 503, public=True)
def login(body: dict[str, str]) -> Response:
    """Sign in with an e-mail address and a password.

    Each client and each e-mail address may try this ten times a minute.
    """
    enforce(BY_CLIENT_ADDRESS, context.client_address())
    enforce(BY_EMAIL, body["email"])
    signed_in = services().get(SignIn).sign_in(body["email"], body["password"], arrived_at())
    return _pair_response(signed_in)


@blp.route("/refresh", methods=["POST"])
@blp.arguments(RefreshSchema, example={"refresh_token": "3vTzq0dF…"})
@blp.response(200, TokenPairSchema, example=EXAMPLE_PAIR)
@blp.errors(400, 401, 413, 415, 422, 503, public=True)
def refresh(body: dict[str, str]) -> Response:
    """Exchange a refresh token for a new pair of tokens.

    A refresh token is valid for one use. A second use revokes all refresh tokens of the sign-in.
    """
    return _pair_response(services().get(SignIn).refresh(body["refresh_token"], arrived_at()))


@blp.route("/logout", methods=["POST"])
@blp.arguments(RefreshSchema, example={"refresh_token": "3vTzq0dF…"})
@blp.response(204)
@blp.errors(400, 413, 415, 422, 503, public=True)
def logout(body: dict[str, str]) -> Response:
    """Sign out: revoke all refresh tokens of the sign-in. For an unknown token, it does nothing."""
    services().get(SignIn).sign_out(body["refresh_token"], arrived_at())
    return flask_response(ApiResponse(204))


def _pair_response(pair: TokenPair) -> Response:
    return flask_response(json_response(pair._asdict() | {"token_type": "Bearer"}))
