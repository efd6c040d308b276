"""Resume points with FastAPI, pydantic, PyJWT and redis.asyncio, in the usual style."""
# FastAPI and pydantic are only in .venv-bench, which mypy does not read:
# mypy: disable-error-code="import-not-found"
# mypy: allow-subclassing-any, allow-untyped-decorators

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Annotated, Any

import jwt
import redis.asyncio as redis
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

SECRET = os.environ["JWT_SECRET"]
TTL_SECONDS = 30 * 24 * 60 * 60
WATCHED_PERCENT = 90
COMPLETED_PERCENT = 100
POINT_FIELDS = ("currentTime", "updatedAt", "duration", "percent", "watched", "completed")

app = FastAPI(openapi_url=None)
store = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)

Id = Annotated[str, Field(pattern=r"^[\w-]{1,128}$")]


class Save(BaseModel):
    clerkId: Id
    tmdbId: Id
    currentTime: Annotated[float, Field(ge=0, le=1e8)]
    duration: Annotated[float, Field(gt=0, le=1e8)]


def require_own(request: Request, user_id: str) -> None:
    """Accept only a token of `user_id`. A plain call is faster than a FastAPI dependency."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        claims = jwt.decode(token, SECRET, ["HS256"], {"require": ["exp", "sub"]})
    except jwt.PyJWTError:
        raise HTTPException(401) from None
    if scheme.lower() != "bearer":
        raise HTTPException(401)
    if claims["sub"] != user_id:
        raise HTTPException(403)


@app.post("/api/progress", status_code=204)
async def save(request: Request, body: Save) -> Response:
    require_own(request, body.clerkId)
    percent = round(min(100, 100 * body.currentTime / body.duration), 2)
    now = datetime.now(UTC)
    point: dict[Any, Any] = {
        "currentTime": body.currentTime,
        "updatedAt": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "duration": body.duration,
        "percent": percent,
        "watched": int(percent >= WATCHED_PERCENT),
        "completed": int(percent == COMPLETED_PERCENT),
    }
    key, index = f"resume:{body.clerkId}:{body.tmdbId}", f"recent:{body.clerkId}"
    pipeline = store.pipeline(transaction=False)
    pipeline.hset(key, mapping=point)
    pipeline.expire(key, TTL_SECONDS)
    pipeline.zadd(index, {body.tmdbId: int(now.timestamp() * 1000)})
    pipeline.expire(index, TTL_SECONDS)
    await pipeline.execute()
    return Response(status_code=204)


@app.get("/api/progress/{user_id}/{video_id}")
async def read(user_id: str, video_id: str, request: Request) -> Response:
    require_own(request, user_id)
    values = await store.hmget(f"resume:{user_id}:{video_id}", POINT_FIELDS)
    if values[0] is None:
        raise HTTPException(404, "Progress not found")
    return JSONResponse(point_json(values))


@app.get("/api/progress/{user_id}")
async def list_points(user_id: str, request: Request) -> Response:
    require_own(request, user_id)
    videos: Any = await store.zrevrange(f"recent:{user_id}", 0, -1)
    pipeline = store.pipeline(transaction=False)
    for video in videos:
        pipeline.hmget(f"resume:{user_id}:{video}", POINT_FIELDS)
    found = zip(videos, await pipeline.execute(), strict=True)
    return JSONResponse([{"tmdbId": v} | point_json(values) for v, values in found if values[0]])


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
