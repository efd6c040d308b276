"""Health checks.

`/healthz` checks that this process runs. `/readyz` checks that this process can serve requests.
"""

from __future__ import annotations

from flask import Response, jsonify
from marshmallow import Schema, fields

from resume_service.redis.health import RedisState
from resume_service.web.blueprint import Blueprint
from resume_service.web.readiness import DOWN, OFF, OK, Readiness
from resume_service.web.services import services

blp = Blueprint("health", __name__)


class HealthSchema(Schema):
    status = fields.String(required=True, metadata={"enum": [OK]})


class ReadySchema(Schema):
    redis = fields.String(
        required=True,
        metadata={
            "enum": [str(state) for state in RedisState],
            "description": "`degraded`: a primary refuses writes, or one of several does not answer.",
        },
    )
    database = fields.String(
        required=True,
        metadata={
            "enum": [OK, OFF, DOWN],
            "description": "`off`: DATABASE_URL is not set. `down`: Postgres does not answer.",
        },
    )


@blp.route("/healthz")
@blp.response(200, HealthSchema, example={"status": OK})
@blp.errors(public=True)
def healthz() -> Response:
    """Return 200 if this process runs. This route uses neither Redis nor the database."""
    return jsonify(status=OK)


@blp.route("/readyz")
@blp.response(200, ReadySchema, example={"redis": OK, "database": OFF})
@blp.errors(503, public=True, examples={503: {"error": "Not ready: no Redis primary answers"}})
def readyz() -> Response:
    """Return 200 if a Redis primary answers. Postgres may be down, because saves do not need it.

    Return 503 if no Redis primary answers. A result is used again for a second.
    """
    state = services().get(Readiness).state()
    return jsonify(redis=state.redis, database=state.database)
