"""Health checks.

`/healthz` checks that this process runs. `/readyz` also checks that Redis and the database answer.
"""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify
from marshmallow import Schema, fields

from resume_service.errors import Unavailable
from resume_service.postgres.database import Database
from resume_service.redis.router import RedisRouter
from resume_service.web.blueprint import Blueprint
from resume_service.web.services import services

OK = "ok"
OFF = "off"
"""The state of the database if DATABASE_URL is not set."""

blp = Blueprint("health", __name__, description="Health checks of the service.")


class HealthSchema(Schema):
    status = fields.String(required=True, metadata={"enum": [OK]})


class ReadySchema(Schema):
    redis = fields.String(required=True, metadata={"enum": [OK]})
    database = fields.String(required=True, metadata={"enum": [OK, OFF]})


@blp.route("/healthz")
@blp.response(200, HealthSchema, example={"status": OK})
@blp.errors(public=True)
def healthz() -> Response:
    """Return 200 if this process runs. This route uses neither Redis nor the database."""
    return jsonify(status=OK)


@blp.route("/readyz")
@blp.response(200, ReadySchema, example={"redis": OK, "database": OFF})
@blp.errors(503, public=True)
def readyz() -> Response:
    """Return 200 if Redis and the database answer.

    Otherwise return 503. The message lists the servers that do not answer.
    """
    backends = {"redis": services().get(RedisRouter), "database": services().find(Database)}
    failing = [name for name, backend in backends.items() if backend and not _answers(backend)]
    if failing:
        raise Unavailable(f"Not ready: {', '.join(failing)}")
    return jsonify({name: OK if backend else OFF for name, backend in backends.items()})


def _answers(backend: Any) -> bool:
    try:
        backend.ping()
    except Unavailable:
        return False
    return True
