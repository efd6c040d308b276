"""Reads requests and writes points of `/api/progress` with msgspec, many times as fast as a schema.

The schemas in `progress.py` decide about each request that is not plainly valid. So the fast lane
accepts the same requests as Flask, and has the same error messages.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from resume_service.ids import is_id, is_user_id
from resume_service.resume.model import Measurement
from resume_service.resume.schemas.names import text_errors
from resume_service.resume.schemas.progress import (
    DEVICE,
    INVALID,
    ListQuery,
    PointPath,
    SaveSchema,
    UserPath,
)
from resume_service.web.ages import is_age
from resume_service.web.bodies import load, load_body
from resume_service.web.fast_queries import query_loader
from resume_service.web.numbers import GREATEST_NUMBER


class EventBody(msgspec.Struct, kw_only=True, gc=False):
    """The fields that EventSchema accepts. UNSET: the body does not contain the field."""

    clerkId: str | UnsetType = UNSET
    userId: str | UnsetType = UNSET
    tmdbId: str | UnsetType = UNSET
    videoId: str | UnsetType = UNSET
    ageMs: int | float = 0

    @property
    def user_id(self) -> Any:
        return self.userId if self.clerkId is UNSET else self.clerkId

    @property
    def video_id(self) -> Any:
        return self.videoId if self.tmdbId is UNSET else self.tmdbId

    def is_valid_event(self) -> bool:
        """Return whether EventSchema accepts these fields. It has the same rules."""
        user_id, video_id = self.clerkId, self.tmdbId
        if user_id is UNSET:
            user_id = self.userId
        elif self.userId is not UNSET:
            return False
        if video_id is UNSET:
            video_id = self.videoId
        elif self.videoId is not UNSET:
            return False
        return is_user_id(user_id) and is_id(video_id) and is_age(self.ageMs)


class SaveBody(EventBody, kw_only=True, gc=False):
    """The fields that SaveSchema accepts."""

    currentTime: int | float
    duration: int | float | UnsetType = UNSET
    device: str | UnsetType = UNSET

    def is_valid(self) -> bool:
        """Return whether SaveSchema accepts these fields. It has the same rules."""
        return (
            self.is_valid_event()
            and 0 <= self.currentTime <= GREATEST_NUMBER
            and (self.duration is UNSET or 0 < self.duration <= GREATEST_NUMBER)
            and (self.device is UNSET or not text_errors(self.device, *DEVICE))
        )

    def measurement(self, arrived_ms: int) -> Measurement:
        """Return the report. `arrived_ms` is the time of its arrival, in ms since 1970."""
        return Measurement(
            self.user_id,
            self.video_id,
            arrived_ms,
            self.currentTime,
            None if self.duration is UNSET else self.duration,
            age_ms=int(self.ageMs),
            device=None if self.device is UNSET else self.device,
        )


_decode_save = msgspec.json.Decoder(SaveBody).decode
_save_schema = SaveSchema()


def load_save(body: bytes) -> SaveBody:
    """Return the fields of a save, or raise the same errors as the Flask route does.

    msgspec reads a valid body in 1 us. The schema needs 60, and decides about all other bodies.
    """
    try:
        fields = _decode_save(body.decode())  # msgspec would accept invalid UTF-8 in unknown fields
        if fields.is_valid():
            return fields
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass
    return SaveBody(**load_body(_save_schema, body, INVALID))


_point_path = PointPath()
_user_path = UserPath()


def check_point_path(user_id: str, video_id: str) -> None:
    """Check the ids in a path. Raises ValidationFailed as the Flask routes do."""
    if not (is_user_id(user_id) and is_id(video_id)):
        load(_point_path, {"clerkId": user_id, "tmdbId": video_id}, INVALID)


def check_user_path(user_id: str) -> None:
    """Check the id in a path. Raises ValidationFailed as the Flask routes do."""
    if not is_user_id(user_id):
        load(_user_path, {"clerkId": user_id}, INVALID)


load_query = query_loader(ListQuery())
