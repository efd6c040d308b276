"""Schemas of `/v1/users` and `/v1/tokens`."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from resume_service.accounts.schemas.fields import EmailAddress, Password
from resume_service.auth.identity import Role
from resume_service.web import pagination
from resume_service.web.fields import BodySchema, CompanyNumber
from resume_service.web.numbers import WholeNumber

COMPANY_DESCRIPTION = {
    "description": "Default: the caller's own company. Only a service may use another company."
}
ROLES = (Role.ADMIN, Role.GUEST)
EXAMPLE = {
    "id": 2,
    "email": "bob@example.com",
    "role": "guest",
    "corporation_id": 1,
    "points": 0,
    "created_at": "2026-11-20T10:00:00.000Z",
    "updated_at": "2026-11-20T10:00:00.000Z",
}
EXAMPLE_TOKEN = {
    "id": 1,
    "created_at": "2026-11-20T10:00:00.000Z",
    "expires_at": "2026-12-18T10:00:00.000Z",
    "revoked_at": None,
}


class RoleOfUser(fields.String):
    """A user's role: admin or guest.

    This is not an Enum field, because an Enum field would also document the role `service`.
    """

    def __init__(self, **kwargs: Any) -> None:
        one_of = validate.OneOf(ROLES, error=f"Must be one of: {', '.join(ROLES)}.")
        super().__init__(validate=one_of, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, *args, **kwargs))
        return Role(text) if text in ROLES else text


class NewUser(BodySchema):
    email = EmailAddress(required=True)
    password = Password(required=True)
    role = RoleOfUser(load_default=Role.GUEST)
    corporation_id = WholeNumber(metadata=COMPANY_DESCRIPTION)


class UserChange(BodySchema):
    password = Password()
    role = RoleOfUser(metadata={"description": "Only an admin may change the role."})


class UsersQuery(pagination.PageQuery):
    corporation_id = CompanyNumber(metadata=COMPANY_DESCRIPTION)


class UserSchema(BodySchema):
    id = fields.Integer(required=True)
    email = fields.String(required=True)
    role = RoleOfUser(required=True)
    corporation_id = fields.Integer(required=True)
    points = fields.Integer(
        required=True, metadata={"description": "Points earned by watching videos."}
    )
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)


class TokenSchema(BodySchema):
    """The data of a refresh token. The secret token is not part of it."""

    id = fields.Integer(required=True)
    created_at = fields.DateTime(required=True)
    expires_at = fields.DateTime(required=True)
    revoked_at = fields.DateTime(required=True, allow_none=True)
