"""Schemas of `/v1/corporations`."""

from __future__ import annotations

from marshmallow import fields

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


class PlanFields(BodySchema):
    plan = fields.Enum(Plan)
    plan_expires_at = Moment(
        allow_none=True, metadata={"description": "Null if the plan never expires."}
    )


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
