"""`/v1/users` and `/v1/tokens`: a company's users and their refresh tokens."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import ValidationError

from resume_service.accounts import permissions
from resume_service.accounts.corporations import Corporations
from resume_service.accounts.model import RefreshToken, User
from resume_service.accounts.schemas.fields import EmailAddress
from resume_service.accounts.schemas.users import (
    EXAMPLE,
    EXAMPLE_TOKEN,
    NewUser,
    TokenSchema,
    UserChange,
    UserSchema,
    UsersQuery,
)
from resume_service.accounts.users import NO_USER, Users
from resume_service.clock import iso
from resume_service.errors import NotFound
from resume_service.rate_limits.limiter import Limit
from resume_service.web import pagination
from resume_service.web.blueprint import Blueprint
from resume_service.web.context import arrived_at, enforce
from resume_service.web.messages import ApiResponse, flask_response, json_response
from resume_service.web.services import services

NEW_PASSWORDS = Limit("new-passwords", quota=10)

blp = Blueprint("users", __name__, url_prefix="/v1")


@blp.route("/users", methods=["POST"])
@blp.arguments(NewUser, example={"email": "bob@example.com", "password": "correct horse"})
@blp.response(201, UserSchema, example=EXAMPLE)
@blp.errors(400, 401, 403, 404, 409, 413, 415, 422, 503)
def create(body: dict[str, Any]) -> Response:
    """Create a user in the admin's company."""
    company = permissions.target_company(body.get("corporation_id"))
    return flask_response(_response(services().get(Users).create(body, company), status=201))


@blp.route("/users")
@blp.arguments(UsersQuery, location="query")
@blp.response(200, UserSchema(many=True), example=[EXAMPLE], headers=pagination.HEADERS)
@blp.errors(401, 403, 404, 422, 503)
def page(query: dict[str, int]) -> Response:
    """List the users of the admin's company, oldest first."""
    company = permissions.target_company(query.get("corporation_id"))
    page_request = pagination.page_request(query)
    services().get(Corporations).by_id(company)
    users = services().get(Users).page(company, page_request)
    return pagination.page_response(page_request, users, _json)


@blp.route("/users/id/<row:user_id>")
@blp.response(200, UserSchema, example=EXAMPLE)
@blp.errors(401, 403, 404, 503)
def by_id(user_id: int) -> Response:
    """Get a user by id. Allowed for that user, for admins of its company and for services."""
    return flask_response(_response(_user(user_id)))


@blp.route("/users/<email>")
@blp.response(200, UserSchema, example=EXAMPLE)
@blp.errors(401, 403, 404, 503)
def by_email(email: str) -> Response:
    """Get a user by e-mail address.

    Allowed for that user, for admins of its company and for services.
    """
    try:
        address = EmailAddress().deserialize(email)
    except ValidationError:
        permissions.actor().require_admin()
        raise NotFound(NO_USER) from None
    return flask_response(_response(services().get(Users).by_email(address, permissions.actor())))


@blp.route("/users/<row:user_id>", methods=["PUT"])
@blp.arguments(UserChange, example={"password": "battery staple"})
@blp.response(200, UserSchema, example=EXAMPLE)
@blp.errors(400, 401, 403, 404, 409, 413, 415, 422, 429, 503)
def update(body: dict[str, Any], user_id: int) -> Response:
    """Change a password or a role. Only admins may change a role.

    A new password revokes all refresh tokens of the user. Under `/v1`, it also ends the user's access
    tokens.
    """
    user = _user(user_id)
    if "password" in body:
        enforce(NEW_PASSWORDS, str(user.id))
    if "role" in body:
        permissions.actor().require_admin_of(user.corporation_id)
    return flask_response(_response(services().get(Users).update(user, body, arrived_at())))


@blp.route("/users/<row:user_id>", methods=["DELETE"])
@blp.response(204)
@blp.errors(401, 403, 404, 409, 503)
def delete(user_id: int) -> Response:
    """Delete a user and revoke the user's refresh tokens."""
    services().get(Users).delete(_user(user_id), arrived_at())
    return flask_response(ApiResponse(204))


@blp.route("/tokens/<row:user_id>")
@blp.response(200, TokenSchema(many=True), example=[EXAMPLE_TOKEN])
@blp.errors(401, 403, 404, 503)
def tokens(user_id: int) -> Response:
    """List the newest 1,000 refresh tokens of a user of the admin's company, newest first."""
    permissions.actor().require_admin()
    permissions.actor().require_admin_of(_user(user_id).corporation_id)
    tokens_of_user = services().get(Users).tokens(user_id)
    return flask_response(json_response([_token_json(token) for token in tokens_of_user]))


def _user(user_id: int) -> User:
    return services().get(Users).by_id(user_id, permissions.actor())


def _response(user: User, status: int = 200) -> ApiResponse:
    return json_response(_json(user), status=status)


def _json(user: User) -> dict[str, Any]:
    return user._asdict() | {
        "created_at": iso(user.created_at),
        "updated_at": iso(user.updated_at),
    }


def _token_json(token: RefreshToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "created_at": iso(token.created_at),
        "expires_at": iso(token.expires_at),
        "revoked_at": iso(token.revoked_at) if token.revoked_at else None,
    }
