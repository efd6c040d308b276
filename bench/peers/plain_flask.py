"""Resume points with Flask, marshmallow, PyJWT and redis-py, in the usual style."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import jwt
import redis
from flask import Flask, abort, g, jsonify, request
from flask.typing import ResponseReturnValue
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

SECRET = os.environ["JWT_SECRET"]
TTL_SECONDS = 30 * 24 * 60 * 60
WATCHED_PERCENT = 90
COMPLETED_PERCENT = 100
POINT_FIELDS = ("currentTime", "updatedAt", "duration", "percent", "watched", "completed")

app = Flask(__name__, static_folder=None)
app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's default provider has it
store = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
an_id = validate.Regexp(r"[\w-]{1,128}\Z")


class SaveSchema(Schema):
    class Meta:
        unknown = EXCLUDE

    clerkId = fields.String(required=True, validate=an_id)
    tmdbId = fields.String(required=True, validate=an_id)
    currentTime = fields.Float(required=True, validate=validate.Range(0, 1e8))
    duration = fields.Float(required=True, validate=validate.Range(0, 1e8, min_inclusive=False))


save_schema = SaveSchema()


@app.before_request
def identify() -> None:
    """Verify the token and store its `sub`."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        claims = jwt.decode(token, SECRET, ["HS256"], {"require": ["exp", "sub"]})
    except jwt.PyJWTError:
        abort(401)
    if scheme.lower() != "bearer":
        abort(401)
    g.caller = claims["sub"]


def require_own(user_id: str) -> None:
    if user_id != g.caller:
        abort(403)


@app.post("/api/progress")
def save() -> ResponseReturnValue:
    try:
        body = save_schema.load(request.get_json())
    except ValidationError as fault:
        return jsonify(error="Validation failed", details=fault.messages), 400
    user_id, video_id = body["clerkId"], body["tmdbId"]
    require_own(user_id)
    percent = round(min(100, 100 * body["currentTime"] / body["duration"]), 2)
    now = datetime.now(UTC)
    point: dict[Any, Any] = {
        "currentTime": body["currentTime"],
        "updatedAt": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "duration": body["duration"],
        "percent": percent,
        "watched": int(percent >= WATCHED_PERCENT),
        "completed": int(percent == COMPLETED_PERCENT),
    }
    key, index = f"resume:{user_id}:{video_id}", f"recent:{user_id}"
    pipeline = store.pipeline(transaction=False)
    pipeline.hset(key, mapping=point)
    pipeline.expire(key, TTL_SECONDS)
    pipeline.zadd(index, {video_id: int(now.timestamp() * 1000)})
    pipeline.expire(index, TTL_SECONDS)
    pipeline.execute()
    return "", 204


@app.get("/api/progress/<user_id>/<video_id>")
def read(user_id: str, video_id: str) -> ResponseReturnValue:
    require_own(user_id)
    values = store.hmget(f"resume:{user_id}:{video_id}", POINT_FIELDS)
    if values[0] is None:
        return jsonify(error="Progress not found"), 404
    return jsonify(point_json(values))


@app.get("/api/progress/<user_id>")
def list_points(user_id: str) -> ResponseReturnValue:
    require_own(user_id)
    videos: Any = store.zrevrange(f"recent:{user_id}", 0, -1)
    pipeline = store.pipeline(transaction=False)
    for video in videos:
        pipeline.hmget(f"resume:{user_id}:{video}", POINT_FIELDS)
    found = zip(videos, pipeline.execute(), strict=True)
    return jsonify([{"tmdbId": video} | point_json(values) for video, values in found if values[0]])


def point_json(values: list[Any]) -> dict[str, Any]:
    position, updated_at, duration, percent, watched, completed = values
    return {
        "currentTime": float(position),
        "updatedAt": updated_at,
        "duration": float(duration),
        "percent": float(percent),
        "watched": watched == "1",
        "completed": completed == "1",
    }
