"""Request and response schemas of `/v1/billing/stripe`."""

from __future__ import annotations

from marshmallow import Schema, fields


class ReceivedSchema(Schema):
    received = fields.Boolean(required=True)


class SignatureSchema(Schema):
    """Documents the header in OpenAPI. The library `stripe` reads and checks the header."""

    stripe_signature = fields.String(
        data_key="Stripe-Signature", metadata={"description": "Signature of the event. Required."}
    )
