"""`/healthz`: this process runs. `/readyz`: Redis and the database answer too."""

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

blp = Blueprint("health", __name__, description="Whether the service is alive and ready.")


class HealthSchema(Schema):
    status = fields.String(required=True, metadata={"enum": [OK]})


class ReadySchema(Schema):
    redis = fields.String(required=True, metadata={"enum": [OK]})
    database = fields.String(required=True, metadata={"enum": [OK, OFF]})


@blp.route("/healthz")
@blp.response(200, HealthSchema, example={"status": OK})
@blp.errors(public=True)
def healthz() -> Response:
    """200 while the process runs. Uses neither Redis nor the database."""
    return jsonify(status=OK)


@blp.route("/readyz")
@blp.response(200, ReadySchema, example={"redis": OK, "database": OFF})
@blp.errors(503, public=True)
def readyz() -> Response:
    """200 if Redis and the database answer. Else 503 with the names of those that do not."""
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
