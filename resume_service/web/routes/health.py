"""`/healthz`: this process serves. `/readyz`: the parts it needs answer too."""

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

blp = Blueprint("health", __name__, description="Whether the service can serve.")


class HealthSchema(Schema):
    status = fields.String(required=True, metadata={"enum": [OK]})


class ReadySchema(Schema):
    redis = fields.String(required=True, metadata={"enum": [OK]})
    database = fields.String(required=True, metadata={"enum": [OK, OFF]})


@blp.route("/healthz")
@blp.response(200, HealthSchema, example={"status": OK})
@blp.errors(public=True)
def healthz() -> Response:
    """200 while the process serves; touches nothing."""
    return jsonify(status=OK)


@blp.route("/readyz")
@blp.response(200, ReadySchema, example={"redis": OK, "database": OFF})
@blp.errors(503, public=True)
def readyz() -> Response:
    """200 when every part answers, else 503 naming the parts that do not."""
    parts = {"redis": services().get(RedisRouter), "database": services().find(Database)}
    failing = [name for name, part in parts.items() if part and not _answers(part)]
    if failing:
        raise Unavailable(f"Not ready: {', '.join(failing)}")
    return jsonify({name: OK if part else OFF for name, part in parts.items()})


def _answers(part: Any) -> bool:
    try:
        part.ping()
    except Unavailable:
        return False
    return True
