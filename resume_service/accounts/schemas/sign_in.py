"""Schemas of `/v1/auth`."""

from __future__ import annotations

from marshmallow import fields, validate

from resume_service.accounts.schemas.fields import EmailAddress
from resume_service.web.fields import BodySchema

EXAMPLE_PAIR = {
    "access_token": "eyJhbGciOiJIUzI1NiIs…",
    "refresh_token": "3vTzq0dF…",
    "token_type": "Bearer",
    "expires_in": 900,
}


class SignInSchema(BodySchema):
    email = EmailAddress(required=True)
    password = fields.String(
        required=True,
        metadata={"format": "password", "description": "A wrong password of any length is a 401."},
    )


class RefreshSchema(BodySchema):
    refresh_token = fields.String(required=True, validate=validate.Regexp("^[!-~]{1,128}$"))


class TokenPairSchema(BodySchema):
    access_token = fields.String(
        required=True, metadata={"description": "A JWT. Send it with every request."}
    )
    refresh_token = fields.String(required=True, metadata={"description": "Valid for one use."})
    token_type = fields.String(required=True, validate=validate.Equal("Bearer"))
    expires_in = fields.Integer(
        required=True, metadata={"description": "Seconds until the access token expires."}
    )
