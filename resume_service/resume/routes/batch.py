"""`/api/progress/batch`: up to 100 saves, deletions and marks in one request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from flask import Response
from msgspec import UNSET

from resume_service.errors import Forbidden, ServiceError, ValidationFailed
from resume_service.redis.operation import Operation, run
from resume_service.resume.model import EventType
from resume_service.resume.point_events import PointEvents
from resume_service.resume.schemas.batch import (
    EXAMPLE_BATCH,
    EXAMPLE_RESULTS,
    BatchEvent,
    BatchSchema,
    InvalidEvent,
    ResultJson,
    ResultsSchema,
    error_result,
    load_batch,
    load_events,
)
from resume_service.resume.schemas.progress import INVALID
from resume_service.resume.store import ResumeStore
from resume_service.web.ages import age_errors
from resume_service.web.blueprint import BeaconBlueprint
from resume_service.web.error_responses import count_if_refused
from resume_service.web.fast_route import FastRoute
from resume_service.web.messages import (
    ApiRequest,
    ApiResponse,
    api_request,
    flask_response,
)
from resume_service.web.save_responses import RESUME_EVERY_DOC, SaveResponses

Event = BatchEvent | InvalidEvent

blp = BeaconBlueprint("batch", __name__, url_prefix="/api/progress")


@blp.route("/batch", methods=["POST"])
@blp.arguments(BatchSchema, example=EXAMPLE_BATCH, error_status_code=INVALID)
@blp.response(200, ResultsSchema, example=EXAMPLE_RESULTS, headers=RESUME_EVERY_DOC)
@blp.errors(400, 401, 413, 415)
def store(body: dict[str, Any]) -> Response:
    """Store the events that a device could not deliver before.

    Each event has a result with the status that the event would get alone. An event that fails does
    not affect the others. It is always correct to send the whole batch again. The Content-Type of
    the JSON body may also be `text/plain`.
    """
    return flask_response(run(_store(api_request(), load_events(body["events"]))))


def _fast_store(request: ApiRequest, body: bytes) -> Operation[ApiResponse]:
    return _store(request, load_batch(body))


FAST_ROUTES = (
    FastRoute(
        "POST", "/api/progress/batch", _fast_store, BeaconBlueprint.ARGUMENTS_PARSER.media_types
    ),
)


def _store(request: ApiRequest, events: Sequence[Event]) -> Operation[ApiResponse]:
    checked = [_checked(request, event) for event in events]
    to_store = [each.event(request.arrived_ms) for each in checked if isinstance(each, BatchEvent)]
    outcomes = yield from request.services.get(PointEvents).batch(to_store)
    results = list(_results(checked, iter(outcomes)))
    return request.services.get(SaveResponses).json({"results": results})


def _checked(request: ApiRequest, event: Event) -> Event:
    """Return `event`, or the error that this caller gets for it."""
    if isinstance(event, InvalidEvent):
        return event
    if errors := age_errors(event.ageMs, request.services.get(ResumeStore).longest_age_ms):
        return InvalidEvent(event.id, ValidationFailed({"ageMs": errors}, INVALID))
    if not request.caller.has_access_to(event.user_id):
        return InvalidEvent(event.id, Forbidden())
    return event


def _results(
    events: Sequence[Event], outcomes: Iterator[bool | ServiceError]
) -> Iterator[ResultJson]:
    """Yield the result of each event. `outcomes` are those of the valid events."""
    for event in events:
        outcome = event.error if isinstance(event, InvalidEvent) else next(outcomes)
        if isinstance(outcome, ServiceError):
            count_if_refused(outcome)
            yield error_result(event.id, outcome)
        elif isinstance(event, BatchEvent):
            applied = outcome if event.type == EventType.SAVE else UNSET
            yield ResultJson(event.id, 204, applied)
