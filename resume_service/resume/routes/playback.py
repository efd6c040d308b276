"""`/api/v1/playback`: resume points of movies and episodes, in whole seconds."""

from __future__ import annotations

import functools

from flask import Response

from resume_service.redis.operation import Operation, run
from resume_service.resume.schemas import playback as schemas
from resume_service.resume.schemas.playback import PositionBody
from resume_service.resume.video_access import VideoKind, WantedVideo
from resume_service.resume.video_points import VideoPoints
from resume_service.web.blueprint import BeaconBlueprint, video_parameter
from resume_service.web.fast_route import FastRoute
from resume_service.web.messages import (
    ApiRequest,
    ApiResponse,
    api_request,
    flask_response,
    json_response,
)
from resume_service.web.save_responses import RESUME_EVERY_DOC, SaveResponses

MOVIE = WantedVideo("Media item not found", VideoKind.MOVIE, "Media item is not a movie")
EPISODE = WantedVideo("Episode not found", VideoKind.EPISODE, "Media item is not an episode")
PREFIX = "/api/v1/playback"
MOVIE_PATH, EPISODE_PATH = "/movie/<media_item_id>", "/episode/<episode_id>"
MOVIE_ID, EPISODE_ID = video_parameter("media_item_id"), video_parameter("episode_id")

blp = BeaconBlueprint("playback", __name__, url_prefix=PREFIX, invalid_message=schemas.INVALID)


@blp.route(MOVIE_PATH, methods=["POST"], parameters=MOVIE_ID)
@blp.arguments(schemas.PositionSchema, example=schemas.EXAMPLE_SAVE)
@blp.response(200, schemas.PlaybackSchema, example=schemas.EXAMPLE, headers=RESUME_EVERY_DOC)
@blp.errors(400, 401, 403, 404, 413, 415, 422, 503, examples=schemas.MOVIE_ERROR_EXAMPLES)
def save_movie(body: dict[str, int], media_item_id: str) -> Response:
    """Save the caller's position in a movie.

    The Content-Type of the JSON body may also be `text/plain`.
    """
    return flask_response(run(_save(api_request(), MOVIE, media_item_id, PositionBody(**body))))


@blp.route(MOVIE_PATH, parameters=MOVIE_ID)
@blp.response(200, schemas.PlaybackSchema, example=schemas.EXAMPLE)
@blp.errors(400, 401, 403, 404, 503, examples=schemas.MOVIE_ERROR_EXAMPLES)
def read_movie(media_item_id: str) -> Response:
    """Return the caller's position in a movie. The position is 0 if no progress is saved."""
    return flask_response(run(_read(MOVIE, api_request(), b"", media_item_id)))


@blp.route(EPISODE_PATH, methods=["POST"], parameters=EPISODE_ID)
@blp.arguments(schemas.PositionSchema, example=schemas.EXAMPLE_SAVE)
@blp.response(200, schemas.PlaybackSchema, example=schemas.EXAMPLE, headers=RESUME_EVERY_DOC)
@blp.errors(400, 401, 403, 404, 413, 415, 422, 503, examples=schemas.EPISODE_ERROR_EXAMPLES)
def save_episode(body: dict[str, int], episode_id: str) -> Response:
    """Save the caller's position in an episode.

    The Content-Type of the JSON body may also be `text/plain`.
    """
    return flask_response(run(_save(api_request(), EPISODE, episode_id, PositionBody(**body))))


@blp.route(EPISODE_PATH, parameters=EPISODE_ID)
@blp.response(200, schemas.PlaybackSchema, example=schemas.EXAMPLE)
@blp.errors(400, 401, 403, 404, 503, examples=schemas.EPISODE_ERROR_EXAMPLES)
def read_episode(episode_id: str) -> Response:
    """Return the caller's position in an episode. The position is 0 if no progress is saved."""
    return flask_response(run(_read(EPISODE, api_request(), b"", episode_id)))


def _fast_save(
    wanted: WantedVideo, request: ApiRequest, body: bytes, video_id: str
) -> Operation[ApiResponse]:
    return _save(request, wanted, video_id, schemas.load_position(body))


def _save(
    request: ApiRequest, wanted: WantedVideo, video_id: str, body: PositionBody
) -> Operation[ApiResponse]:
    position, duration = int(body.position_seconds), int(body.duration_seconds)
    point = yield from request.services.get(VideoPoints).save(
        request.caller, video_id, wanted, request.arrived_ms, position=position, duration=duration
    )
    return request.services.get(SaveResponses).json(schemas.playback_json(point))


def _read(
    wanted: WantedVideo, request: ApiRequest, _body: bytes, video_id: str
) -> Operation[ApiResponse]:
    point = yield from request.services.get(VideoPoints).find(request.caller, video_id, wanted)
    return json_response(schemas.playback_json(point))


FAST_ROUTES = tuple(
    FastRoute(method, f"{PREFIX}{path}", functools.partial(handler, wanted), media_types)
    for path, wanted in ((MOVIE_PATH, MOVIE), (EPISODE_PATH, EPISODE))
    for method, handler, media_types in (
        ("POST", _fast_save, BeaconBlueprint.ARGUMENTS_PARSER.media_types),
        ("GET", _read, ()),
    )
)
