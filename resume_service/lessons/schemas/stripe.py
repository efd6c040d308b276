"""Request and response schemas of `/v1/billing/stripe`."""

from __future__ import annotations

from marshmallow import Schema, fields


class ReceivedSchema(Schema):
    received = fields.Boolean(required=True)


class SignatureSchema(Schema):
    """Only for the OpenAPI document. The stripe library reads and checks the header."""

    stripe_signature = fields.String(
        data_key="Stripe-Signature", metadata={"description": "Required."}
    )
