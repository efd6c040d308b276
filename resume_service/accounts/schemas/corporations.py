"""Schemas of `/v1/corporations`."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, post_load

from resume_service.accounts.model import Plan
from resume_service.accounts.schemas.fields import EmailAddress, Password
from resume_service.web.fields import BodySchema, Moment, PathText

MAX_NAME_LENGTH = 128
EXAMPLE = {
    "id": 1,
    "name": "Example Films",
    "plan": "PAID",
    "plan_expires_at": "2027-11-20T10:00:00.000Z",
    "created_at": "2026-11-20T10:00:00.000Z",
    "updated_at": "2026-11-20T10:00:00.000Z",
}
EXAMPLE_NEW = EXAMPLE | {"plan": "FREE", "plan_expires_at": None}
EXPIRY = "plan_expires_at"
OTHER_SPELLINGS = ("plan_expired_at", "plan_expire_at")
_SAME = {"description": "Another spelling of `plan_expires_at`."}


class PlanFields(BodySchema):
    """The plan of a company and its expiry, which has three spellings."""

    plan = fields.Enum(Plan)
    plan_expires_at = Moment(
        allow_none=True, metadata={"description": "Null if the plan never expires."}
    )
    plan_expired_at = Moment(allow_none=True, metadata=_SAME)
    plan_expire_at = Moment(allow_none=True, metadata=_SAME)

    @post_load
    def _use_one_spelling(self, values: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Store the expiry under its usual name. Raises ValidationError if two spellings differ."""
        sent = {name: values.pop(name) for name in (EXPIRY, *OTHER_SPELLINGS) if name in values}
        if len(set(sent.values())) > 1:
            names = " and ".join(sent)
            raise ValidationError({name: [f"{names} must be equal."] for name in sent})
        for value in sent.values():
            values[EXPIRY] = value
        return values


class NewCorporation(PlanFields):
    name = PathText(most=MAX_NAME_LENGTH, required=True)
    plan = fields.Enum(
        Plan,
        load_default=Plan.FREE,
        metadata={"description": "Only a service may send another plan than FREE and SIGNUP_PLAN."},
    )
    admin_email = EmailAddress(required=True)
    admin_password = Password(required=True)


class CorporationChange(PlanFields):
    name = PathText(most=MAX_NAME_LENGTH)


class CorporationSchema(BodySchema):
    id = fields.Integer(required=True)
    name = fields.String(required=True)
    plan = fields.Enum(
        Plan,
        required=True,
        metadata={
            "description": "The plan that is valid now. It is FREE after a PAID plan has expired."
        },
    )
    plan_expires_at = fields.DateTime(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
