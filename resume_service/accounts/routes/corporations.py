"""`/v1/corporations`: companies."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Response
from marshmallow import ValidationError

from resume_service.accounts import permissions
from resume_service.accounts.corporations import NO_COMPANY, Corporations
from resume_service.accounts.model import Corporation, Plan
from resume_service.accounts.schemas.corporations import (
    EXAMPLE,
    EXAMPLE_NEW,
    MAX_NAME_LENGTH,
    CorporationChange,
    CorporationSchema,
    NewCorporation,
)
from resume_service.auth.identity import Role
from resume_service.clock import iso
from resume_service.errors import Forbidden, NotFound
from resume_service.rate_limits.limiter import Limit
from resume_service.settings import Settings
from resume_service.web import context, pagination
from resume_service.web.blueprint import Blueprint
from resume_service.web.context import arrived_at, enforce
from resume_service.web.fields import PathText
from resume_service.web.messages import ApiResponse, flask_response, json_response
from resume_service.web.services import services

SIGN_UP = Limit("sign-up", quota=10)

blp = Blueprint("corporations", __name__, url_prefix="/v1/corporations")


@blp.route("", methods=["POST"])
@blp.arguments(
    NewCorporation,
    example={
        "name": "Example Films",
        "admin_email": "ann@example.com",
        "admin_password": "correct horse",
    },
)
@blp.response(201, CorporationSchema, example=EXAMPLE_NEW)
@blp.errors(400, 403, 409, 413, 415, 422, 429, 503, public=True)
def create(body: dict[str, Any]) -> Response:
    """Create a company and its first admin.

    Only a service may choose another plan than FREE and SIGNUP_PLAN. If SIGNUP_OPEN is false, only a
    service may create companies.
    """
    _require_may_create(body["plan"])
    enforce(SIGN_UP, context.client_address())
    email, password = body.pop("admin_email"), body.pop("admin_password")
    created = services().get(Corporations).create(body, email=email, password=password)
    return flask_response(_response(created, status=201))


@blp.route("")
@blp.arguments(pagination.PageQuery, location="query")
@blp.response(200, CorporationSchema(many=True), example=[EXAMPLE], headers=pagination.HEADERS)
@blp.errors(422, 503, public=True)
def page(query: dict[str, int]) -> Response:
    """List all companies, oldest first."""
    page_request = pagination.page_request(query)
    companies = services().get(Corporations).page(page_request)
    return pagination.page_response(page_request, companies, _json)


@blp.route("/id/<row:corporation_id>")
@blp.response(200, CorporationSchema, example=EXAMPLE)
@blp.errors(404, 503, public=True)
def by_id(corporation_id: int) -> Response:
    """Get a company by its id."""
    return flask_response(_response(services().get(Corporations).by_id(corporation_id)))


@blp.route("/<name>")
@blp.response(200, CorporationSchema, example=EXAMPLE)
@blp.errors(404, 503, public=True)
def by_name(name: str) -> Response:
    """Get a company by its name."""
    try:
        valid_name = PathText(most=MAX_NAME_LENGTH).deserialize(name)
    except ValidationError:
        raise NotFound(NO_COMPANY) from None
    return flask_response(_response(services().get(Corporations).by_name(valid_name)))


@blp.route("/<row:corporation_id>", methods=["PUT"])
@blp.arguments(CorporationChange, example={"name": "Example Films & Series"})
@blp.response(200, CorporationSchema, example=EXAMPLE | {"name": "Example Films & Series"})
@blp.errors(400, 401, 403, 404, 409, 413, 415, 422, 503)
def update(body: dict[str, Any], corporation_id: int) -> Response:
    """Change the fields of a company that the body contains."""
    _require_admin_of(corporation_id)
    changed = services().get(Corporations).update(corporation_id, body, arrived_at())
    return flask_response(_response(changed))


@blp.route("/<row:corporation_id>", methods=["DELETE"])
@blp.response(204)
@blp.errors(401, 403, 404, 503)
def delete(corporation_id: int) -> Response:
    """Delete a company with its users and videos. This also revokes the users' refresh tokens."""
    _require_admin_of(corporation_id)
    services().get(Corporations).delete(corporation_id, arrived_at())
    return flask_response(ApiResponse(204))


def _require_may_create(plan: Plan) -> None:
    """Raise Forbidden unless the caller may create a company with this plan."""
    settings, caller = services().get(Settings), permissions.actor_if_known()
    if caller is not None and caller.role is Role.SERVICE:
        return
    if not settings.signup_open:
        raise Forbidden("Sign-up is closed")
    if plan not in (Plan.FREE, settings.signup_plan):
        raise Forbidden("Only a service may choose this plan")


def _require_admin_of(corporation_id: int) -> None:
    """Raise Forbidden unless the caller administers the company.

    Raises NotFound if the company does not exist and the caller is an admin or a service.
    """
    permissions.actor().require_admin()
    services().get(Corporations).by_id(corporation_id)
    permissions.actor().require_admin_of(corporation_id)


def _response(corporation: Corporation, status: int = 200) -> ApiResponse:
    return json_response(_json(corporation), status=status)


def _json(corporation: Corporation) -> dict[str, Any]:
    plan = corporation.plan_at(arrived_at())
    expires = corporation.plan_expires_at if plan is Plan.PAID else None
    return {
        "id": corporation.id,
        "name": corporation.name,
        "plan": plan,
        "plan_expires_at": _iso_or_null(expires),
        "created_at": iso(corporation.created_at),
        "updated_at": iso(corporation.updated_at),
    }


def _iso_or_null(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None
