"""`/api/v1/playback`: resume points of movies and episodes, in whole seconds."""

from __future__ import annotations

import functools

from flask import Response

from resume_service.resume.schemas import playback as words
from resume_service.resume.video_access import VideoKind, WantedVideo
from resume_service.resume.video_points import VideoPoints
from resume_service.web.blueprint import SaveBlueprint, video_parameter
from resume_service.web.bodies import decoded
from resume_service.web.fast_route import QuickRoute
from resume_service.web.messages import Answer, Asked, asked, json_answer, respond

MOVIE = WantedVideo("Media item not found", VideoKind.MOVIE, "Media item is not a movie")
EPISODE = WantedVideo("Episode not found", VideoKind.EPISODE, "Media item is not an episode")
PREFIX = "/api/v1/playback"
MOVIE_PATH, EPISODE_PATH = "/movie/<media_item_id>", "/episode/<episode_id>"
MOVIE_ID, EPISODE_ID = video_parameter("media_item_id"), video_parameter("episode_id")


blp = SaveBlueprint("playback", __name__, url_prefix=PREFIX, refusal=words.INVALID)


@blp.route(MOVIE_PATH, methods=["POST"], parameters=MOVIE_ID)
@blp.arguments(words.PositionSchema, example=words.EXAMPLE_SAVE)
@blp.response(200, words.PlaybackSchema, example=words.EXAMPLE)
@blp.errors(400, 401, 403, 404, 413, 415, 422, 503, says=words.MOVIE_SAYS)
def save_movie(body: dict[str, int], media_item_id: str) -> Response:
    """Save where the caller is in a movie. The same JSON may be sent as `text/plain`."""
    return respond(_save(asked(), MOVIE, media_item_id, body))


@blp.route(MOVIE_PATH, parameters=MOVIE_ID)
@blp.response(200, words.PlaybackSchema, example=words.EXAMPLE)
@blp.errors(400, 401, 403, 404, 503, says=words.MOVIE_SAYS)
def read_movie(media_item_id: str) -> Response:
    """Where the caller goes on with a movie; `last_watched_at` is absent with no progress."""
    return respond(_read(MOVIE, asked(), b"", media_item_id))


@blp.route(EPISODE_PATH, methods=["POST"], parameters=EPISODE_ID)
@blp.arguments(words.PositionSchema, example=words.EXAMPLE_SAVE)
@blp.response(200, words.PlaybackSchema, example=words.EXAMPLE)
@blp.errors(400, 401, 403, 404, 413, 415, 422, 503, says=words.EPISODE_SAYS)
def save_episode(body: dict[str, int], episode_id: str) -> Response:
    """Save where the caller is in an episode. The same JSON may be sent as `text/plain`."""
    return respond(_save(asked(), EPISODE, episode_id, body))


@blp.route(EPISODE_PATH, parameters=EPISODE_ID)
@blp.response(200, words.PlaybackSchema, example=words.EXAMPLE)
@blp.errors(400, 401, 403, 404, 503, says=words.EPISODE_SAYS)
def read_episode(episode_id: str) -> Response:
    """Where the caller goes on with an episode; `last_watched_at` is absent with no progress."""
    return respond(_read(EPISODE, asked(), b"", episode_id))


def _quick_save(wanted: WantedVideo, ask: Asked, body: bytes, video_id: str) -> Answer | None:
    try:
        seen = words.flawless_position(decoded(body))
    except (ValueError, RecursionError):
        return None
    return None if seen is None else _save(ask, wanted, video_id, seen)


def _save(ask: Asked, wanted: WantedVideo, video_id: str, body: dict[str, int]) -> Answer:
    position, duration = body["position_seconds"], body["duration_seconds"]
    point = ask.services.get(VideoPoints).save(
        ask.caller, video_id, wanted, ask.arrived_at, position=position, duration=duration
    )
    return json_answer(words.shown(point))


def _read(wanted: WantedVideo, ask: Asked, _body: bytes, video_id: str) -> Answer:
    return json_answer(
        words.shown(ask.services.get(VideoPoints).find(ask.caller, video_id, wanted))
    )


QUICK_ROUTES = tuple(
    QuickRoute(method, f"{PREFIX}{path}", functools.partial(answer, wanted), takes)
    for path, wanted in ((MOVIE_PATH, MOVIE), (EPISODE_PATH, EPISODE))
    for method, answer, takes in (
        ("POST", _quick_save, SaveBlueprint.ARGUMENTS_PARSER.takes),
        ("GET", _read, ()),
    )
)
