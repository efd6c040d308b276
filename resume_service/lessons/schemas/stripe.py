"""What `/v1/billing/stripe` accepts and returns."""

from __future__ import annotations

from marshmallow import Schema, fields


class ReceivedSchema(Schema):
    received = fields.Boolean(required=True)


class SignatureSchema(Schema):
    """Read by the stripe library; stands here so that the OpenAPI document names it."""

    stripe_signature = fields.String(
        data_key="Stripe-Signature", metadata={"description": "Required."}
    )
