"""`/v1/billing`: what Stripe tells of subscriptions."""

from __future__ import annotations

from flask import Response, request
from marshmallow import Schema, fields

from resume_service.lessons.routes import admin
from resume_service.web.bodies import whole_body
from resume_service.web.messages import Blueprint, json_answer, respond
from resume_service.web.services import there

blp = Blueprint("billing", __name__, url_prefix="/v1/billing", description="What Stripe tells.")


class ReceivedSchema(Schema):
    received = fields.Boolean(required=True)


class SignatureSchema(Schema):
    """Read by the stripe library; stands here so that the OpenAPI document names it."""

    stripe_signature = fields.String(
        data_key="Stripe-Signature", metadata={"description": "Required."}
    )


@blp.route("/stripe", methods=["POST"])
@blp.arguments(SignatureSchema, location="headers")
@blp.response(200, ReceivedSchema, example={"received": True})
@blp.errors(400, 413, 503, public=True, says={400: {"error": "The signature does not match"}})
@blp.doc(
    requestBody={"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
)
def receive(_headers: dict[str, str]) -> Response:
    """Take note of an event, signed with STRIPE_WEBHOOK_SECRET. Those of no concern change nothing."""
    signature = request.headers.get("Stripe-Signature")
    there(admin.school().subscriptions).receive(whole_body(request), signature)
    return respond(json_answer({"received": True}))
