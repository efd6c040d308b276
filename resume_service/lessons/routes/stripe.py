"""`/v1/billing/stripe`: Stripe sends the events of subscriptions to this webhook."""

from __future__ import annotations

from flask import Response, request

from resume_service.lessons.schemas.stripe import ReceivedSchema, SignatureSchema
from resume_service.lessons.stripe_events import Subscriptions
from resume_service.web.blueprint import Blueprint
from resume_service.web.bodies import read_body
from resume_service.web.messages import flask_response, json_response
from resume_service.web.services import services

blp = Blueprint("billing", __name__, url_prefix="/v1/billing")


@blp.route("/stripe", methods=["POST"])
@blp.arguments(SignatureSchema, location="headers")
@blp.response(200, ReceivedSchema, example={"received": True})
@blp.errors(400, 413, 503, public=True, examples={400: {"error": "The signature does not match"}})
@blp.doc(
    requestBody={"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
)
def receive(_headers: dict[str, str]) -> Response:
    """Receive an event of Stripe, signed with STRIPE_WEBHOOK_SECRET.

    Events of subscriptions change enrollments. Other events change nothing.
    """
    signature = request.headers.get("Stripe-Signature")
    services().get(Subscriptions).receive(read_body(request), signature)
    return flask_response(json_response({"received": True}))
