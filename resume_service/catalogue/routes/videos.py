"""`/v1/videos`: the catalogue."""

from __future__ import annotations

from typing import Any

from flask import Response

from resume_service.accounts import permissions
from resume_service.accounts.model import Actor
from resume_service.auth.identity import Role
from resume_service.catalogue.facts import NO_VIDEO
from resume_service.catalogue.schemas.videos import (
    EXAMPLE,
    EXAMPLE_FOR_ADMINS,
    EXAMPLE_NEW,
    NewVideo,
    VideoChange,
    VideoSchema,
)
from resume_service.catalogue.videos import Video, Videos
from resume_service.clock import iso
from resume_service.errors import Forbidden, NotFound, ValidationFailed
from resume_service.media.source import MediaSource
from resume_service.web import pagination
from resume_service.web.blueprint import Blueprint
from resume_service.web.context import arrived_at
from resume_service.web.messages import ApiResponse, flask_response, json_number, json_response
from resume_service.web.services import services

blp = Blueprint("videos", __name__, url_prefix="/v1/videos")


@blp.route("", methods=["POST"])
@blp.arguments(NewVideo, example=EXAMPLE_NEW)
@blp.response(201, VideoSchema, example=EXAMPLE_FOR_ADMINS)
@blp.errors(400, 401, 403, 404, 413, 415, 422, 503)
def create(body: dict[str, Any]) -> Response:
    """Create a video of the admin's company. A service may also create public videos."""
    company = _company_of_new(body)
    _require_allowed_paths(body)
    return flask_response(_admin_response(services().get(Videos).create(body, company), status=201))


@blp.route("")
@blp.arguments(pagination.PageQuery, location="query")
@blp.response(200, VideoSchema(many=True), example=[EXAMPLE], headers=pagination.HEADERS)
@blp.errors(422, 503, public=True)
def offered(query: dict[str, int]) -> Response:
    """List all published videos, those of companies and those that are public, oldest first."""
    page_request, viewer = pagination.page_request(query), permissions.actor_if_known()
    page = services().get(Videos).offered(page_request)
    return pagination.page_response(page_request, page, lambda video: _json(video, viewer))


@blp.route("/id/<row:video_id>")
@blp.response(200, VideoSchema, example=EXAMPLE)
@blp.errors(404, 503, public=True)
def by_id(video_id: int) -> Response:
    """Get a published video.

    Admins of its company can also get the video when it is unpublished or deleted.
    """
    video, viewer = services().get(Videos).by_id(video_id), permissions.actor_if_known()
    if not video.is_offered and not _administers(viewer, video):
        raise NotFound(NO_VIDEO)
    return flask_response(json_response(_json(video, viewer)))


@blp.route("/<row:corporation_id>")
@blp.arguments(pagination.PageQuery, location="query")
@blp.response(200, VideoSchema(many=True), example=[EXAMPLE], headers=pagination.HEADERS)
@blp.errors(401, 404, 422, 503)
def of_corporation(query: dict[str, int], corporation_id: int) -> Response:
    """List a company's published videos.

    For admins of this company, the list includes unpublished and deleted videos.
    """
    page_request, viewer = pagination.page_request(query), permissions.actor()
    sees_all = viewer.administers(corporation_id)
    page = services().get(Videos).of_corporation(corporation_id, page_request, all_of_them=sees_all)
    return pagination.page_response(page_request, page, lambda video: _json(video, viewer))


@blp.route("/<row:video_id>", methods=["PUT"])
@blp.arguments(VideoChange, example={"published": True})
@blp.response(200, VideoSchema, example=EXAMPLE_FOR_ADMINS)
@blp.errors(400, 401, 403, 404, 413, 415, 422, 503)
def update(body: dict[str, Any], video_id: int) -> Response:
    """Change the fields of a video that the body contains. New files replace all its files."""
    _administered(video_id)
    _require_allowed_paths(body)
    return flask_response(
        _admin_response(services().get(Videos).update(video_id, body, arrived_at()))
    )


@blp.route("/<row:video_id>", methods=["DELETE"])
@blp.response(204)
@blp.errors(401, 403, 404, 503)
def delete(video_id: int) -> Response:
    """Delete a video. A company with a PAID plan can restore it."""
    _administered(video_id)
    services().get(Videos).delete(video_id, arrived_at())
    return flask_response(ApiResponse(204))


@blp.route("/<row:video_id>/restore", methods=["PUT"])
@blp.response(200, VideoSchema, example=EXAMPLE_FOR_ADMINS)
@blp.errors(401, 403, 404, 503)
def restore(video_id: int) -> Response:
    """Undo a deletion. The plan of the video's company must be PAID now."""
    video = _administered(video_id)
    if video.deleted_at is None:
        raise NotFound("The video is not deleted")
    return flask_response(_admin_response(services().get(Videos).restore(video_id, arrived_at())))


def _company_of_new(body: dict[str, Any]) -> int | None:
    """Return the company of a new video, or None for a public video.

    Raises Forbidden if the caller may not create this video. Raises ValidationFailed if the body has
    no company and the caller has no company.
    """
    has_company, requested = "corporation_id" in body, body.pop("corporation_id", None)
    if has_company and requested is None:  # a public video
        if permissions.actor().role is Role.SERVICE:
            return None
        raise Forbidden
    return permissions.target_company(requested)


def _require_allowed_paths(body: dict[str, Any]) -> None:
    """Raise ValidationFailed if the body has a path or URL that the service must not read."""
    check, faults = services().get(MediaSource).check, {}
    if "file_path" in body:
        faults["file_path"] = check(body["file_path"])
    for number, file in enumerate(body.get("files", [])):
        of_file = [f"{number}.file_path: {fault}" for fault in check(file["file_path"])]
        faults["files"] = faults.get("files", []) + of_file
    details = {field: messages for field, messages in faults.items() if messages}
    if details:
        raise ValidationFailed(details, 422)


def _administered(video_id: int) -> Video:
    """Return the video if the caller administers it.

    Raises NotFound if the video does not exist. Raises Forbidden if the caller does not administer it.
    A guest gets Forbidden even if the video does not exist.
    """
    permissions.actor().require_admin()
    video = services().get(Videos).by_id(video_id)
    permissions.actor().require_admin_of(video.corporation_id)
    return video


def _administers(viewer: Actor | None, video: Video) -> bool:
    return viewer is not None and viewer.administers(video.corporation_id)


def _admin_response(video: Video, status: int = 200) -> ApiResponse:
    """Return the response for a caller that administers the video."""
    return json_response(_for_all(video) | _for_admins(video), status=status)


def _json(video: Video, viewer: Actor | None) -> dict[str, Any]:
    shown = _for_all(video)
    return shown | _for_admins(video) if _administers(viewer, video) else shown


def _for_all(video: Video) -> dict[str, Any]:
    return {
        "id": video.id,
        "name": video.name,
        "kind": video.kind,
        "corporation_id": video.corporation_id,
        "duration_seconds": json_number(video.duration_seconds),
        "published": video.published,
        "series_id": video.series_id,
        "season_number": video.season_number,
        "episode_number": video.episode_number,
        "deleted": video.deleted_at is not None,
        "created_at": iso(video.created_at),
        "updated_at": iso(video.updated_at),
    }


def _for_admins(video: Video) -> dict[str, Any]:
    files = [file._asdict() for file in video.files]
    return {"file_path": video.file_path, "files": files}
