"""Request and response schemas of `/api/progress/batch`, with examples.

Each event is validated alone: an invalid event gets an error in its result, and the others are
stored. The fast lane reads a valid event with msgspec. The schemas decide about all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from marshmallow import Schema, fields, validate
from msgspec import UNSET, UnsetType

from resume_service.errors import BadRequest, ServiceError, ValidationFailed
from resume_service.resume.model import EventType, Mark, Measurement
from resume_service.resume.schemas.fast_progress import SaveBody
from resume_service.resume.schemas.names import NameText, text_errors
from resume_service.resume.schemas.progress import (
    EXAMPLE_SAVE,
    INVALID,
    EventSchema,
    SaveSchema,
)
from resume_service.web.bodies import load, load_body
from resume_service.web.fields import BodySchema, Items

MAX_EVENTS = 100
EVENT_ID = (0, 64)
"""The minimum and maximum length of `id`, in characters."""
MARK_TYPES = tuple(each.value for each in EventType if each not in (EventType.SAVE, EventType.RATE))
TYPES = (EventType.SAVE.value, *MARK_TYPES)
NO_OBJECT = "The event is not a JSON object"
EXAMPLE_BATCH = {
    "events": [
        EXAMPLE_SAVE | {"id": "1", "ageMs": 86_400_000},
        {"id": "2", "type": "watched", "userId": "user_123456", "videoId": "12345"},
        {"id": "3", "type": "delete", "userId": "user_123456", "videoId": "none"},
    ]
}
EXAMPLE_RESULTS = {
    "results": [
        {"id": "1", "status": 204, "applied": True},
        {"id": "2", "status": 204},
        {"id": "3", "status": 404, "error": "Progress not found"},
    ]
}


class SaveEventSchema(SaveSchema):
    """A save in a batch."""

    type = fields.String(validate=validate.OneOf(TYPES))
    id = NameText(*EVENT_ID, metadata={"description": "Returned in the result."})


class MarkEventSchema(EventSchema):
    """A deletion or a mark in a batch."""

    type = fields.String(required=True, validate=validate.OneOf(MARK_TYPES))
    id = NameText(*EVENT_ID, metadata={"description": "Returned in the result."})


class BatchSchema(BodySchema):
    """Events that a device could not deliver before, or that a backend imports."""

    events = Items(1, MAX_EVENTS, (SaveEventSchema, MarkEventSchema), required=True)


class ResultSchema(Schema):
    """The result of one event, as if it had been sent alone."""

    id = fields.String(metadata={"description": "The `id` of the event, if it has one."})
    status = fields.Integer(required=True)
    applied = fields.Boolean(
        metadata={"description": "For a stored save: what `Resume-Applied` says."}
    )
    error = fields.String()
    details = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))


class ResultsSchema(Schema):
    results = fields.List(fields.Nested(ResultSchema), required=True)


class BatchEvent(SaveBody, kw_only=True, gc=False):
    """The fields that SaveEventSchema or MarkEventSchema accepts."""

    currentTime: int | float = -1
    """Invalid, so that a save must have it."""
    type: str = EventType.SAVE.value
    id: str | UnsetType = UNSET

    def is_valid(self) -> bool:
        """Return whether the schema of this type accepts these fields. It has the same rules."""
        if self.id is not UNSET and text_errors(self.id, *EVENT_ID):
            return False
        if self.type == EventType.SAVE:
            return super().is_valid()
        return self.type in MARK_TYPES and self.is_valid_event()

    def event(self, arrived_ms: int) -> Measurement | Mark:
        """Return the event. `arrived_ms` is the time of its arrival, in ms since 1970."""
        if self.type == EventType.SAVE:
            return self.measurement(arrived_ms)
        return Mark(self.user_id, self.video_id, arrived_ms, EventType(self.type), int(self.ageMs))


class InvalidEvent(NamedTuple):
    id: str | UnsetType
    error: ServiceError


class _BatchBody(msgspec.Struct, gc=False):
    events: list[msgspec.Raw]


class ResultJson(msgspec.Struct, gc=False):
    """The same fields as ResultSchema."""

    id: str | UnsetType
    status: int
    applied: bool | UnsetType = UNSET
    error: str | UnsetType = UNSET
    details: dict[str, list[str]] | UnsetType = UNSET


_decode_batch = msgspec.json.Decoder(_BatchBody).decode
_decode_event = msgspec.json.Decoder(BatchEvent).decode
_batch_schema, _save_schema, _mark_schema = BatchSchema(), SaveEventSchema(), MarkEventSchema()


def load_batch(body: bytes) -> Sequence[BatchEvent | InvalidEvent]:
    """Return the events of a body. Raises the same errors as the Flask route.

    msgspec reads a valid event in 1 us. The schemas need 60, and decide about all other events.
    """
    try:
        raw_events = _decode_batch(body.decode()).events  # `decode` checks the UTF-8
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raw_events = []
    if not 1 <= len(raw_events) <= MAX_EVENTS:
        return load_events(load_body(_batch_schema, body, INVALID)["events"])
    events = [_valid_event(each) for each in raw_events]
    valid = [each for each in events if each]
    if len(valid) == len(events):
        return valid
    values = load_body(_batch_schema, body, INVALID)["events"]
    return [event or load_event(value) for event, value in zip(events, values, strict=True)]


def load_events(values: Sequence[Any]) -> Sequence[BatchEvent | InvalidEvent]:
    """Return the events in `values`, which are the items of the JSON array."""
    return [load_event(value) for value in values]


def load_event(value: Any) -> BatchEvent | InvalidEvent:
    if not isinstance(value, dict):
        return InvalidEvent(UNSET, BadRequest(NO_OBJECT))
    is_mark = value.get("type") in MARK_TYPES
    try:
        return BatchEvent(**load(_mark_schema if is_mark else _save_schema, value, INVALID))
    except ValidationFailed as error:
        event_id = value.get("id", UNSET)
        return InvalidEvent(UNSET if text_errors(event_id, *EVENT_ID) else event_id, error)


def error_result(event_id: str | UnsetType, error: ServiceError) -> ResultJson:
    details = error.details if isinstance(error, ValidationFailed) else UNSET
    return ResultJson(event_id, error.status, UNSET, error.message, details)


def _valid_event(raw: msgspec.Raw) -> BatchEvent | None:
    """Return the event. None if a schema must decide about it."""
    try:
        event = _decode_event(raw)
    except (msgspec.MsgspecError, ValueError):
        return None
    return event if event.is_valid() else None
