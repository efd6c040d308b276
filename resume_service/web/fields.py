"""The kinds of values that every dialect's fields are made of, as marshmallow fields.

Each carries the JSON Schema of what it takes, so that the OpenAPI document states the same rules.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from marshmallow import EXCLUDE, Schema, fields
from marshmallow.exceptions import ValidationError

from resume_service.ids import (
    FORBIDDEN_IN_IDS,
    ID_PATTERN,
    LONGEST_ID,
    RESERVED_USER_IDS,
    id_faults,
    is_id,
    user_id_faults,
)
from resume_service.resume.model import GREATEST_NUMBER, Cursor, epoch_ms, from_epoch_ms

MS_DIGITS = 13
"""Milliseconds since 1970, up to the year 2286."""


class BodySchema(Schema):
    """A request body. Unknown fields are ignored, so that older servers serve newer players."""

    class Meta:
        unknown = EXCLUDE


ID_SCHEMA = {"type": "string", "minLength": 1, "maxLength": LONGEST_ID, "pattern": ID_PATTERN}
USER_ID_SCHEMA = ID_SCHEMA | {"not": {"enum": list(RESERVED_USER_IDS)}}


class VideoId(fields.Field[str]):
    """The opaque id of a video."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata=ID_SCHEMA | kwargs.pop("metadata", {}), **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if faults := id_faults(value):
            raise ValidationError(faults)
        return str(value)


class UserId(fields.Field[str]):
    """The opaque id of a user."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata=USER_ID_SCHEMA | kwargs.pop("metadata", {}), **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if faults := user_id_faults(value):
            raise ValidationError(faults)
        return str(value)


def seconds_faults(value: object) -> list[str]:
    """What is wrong with `value` as a place in a video, in words for the caller."""
    if type(value) is not int and type(value) is not float:
        return ["Must be a number."]
    if not 0 <= value <= GREATEST_NUMBER:
        return [f"Must be at least 0 and at most {GREATEST_NUMBER}."]
    return []


def length_faults(value: object) -> list[str]:
    """As `seconds_faults`, for the length of a video."""
    faults = seconds_faults(value)
    if (faults and type(value) in (int, float)) or value == 0:
        return [f"Must be greater than 0 and at most {GREATEST_NUMBER}."]
    return faults


def whole_faults(value: object, least: int, most: int) -> list[str]:
    """As `seconds_faults`, for an integer from `least` to `most`."""
    # 5.0 is an integer to JSON Schema, and to the players that write all numbers so.
    if type(value) is not int and type(value) is not float:
        return ["Must be an integer."]
    if not least <= value <= most:
        return [f"Must be at least {least} and at most {most}."]
    return [] if value == int(value) else ["Must be an integer."]


def milliseconds_faults(value: object) -> list[str]:
    """As `seconds_faults`, for a span of time."""
    return whole_faults(value, 0, GREATEST_NUMBER)


class Seconds(fields.Float):
    """A place in a video, or its length: a JSON number of seconds, never a string or a boolean."""

    def __init__(self, *, above_zero: bool = False, **kwargs: Any) -> None:
        self._above_zero = above_zero
        least = {"exclusiveMinimum": 0} if above_zero else {"minimum": 0}
        limits = {"type": "number", "maximum": GREATEST_NUMBER} | least
        super().__init__(metadata=limits | kwargs.pop("metadata", {}), **kwargs)

    def _validated(self, value: Any) -> float:
        if faults := (length_faults if self._above_zero else seconds_faults)(value):
            raise ValidationError(faults)
        return float(value)


class Whole(fields.Integer):
    """A JSON integer, never a string or a boolean."""

    def __init__(self, least: int, most: int, **kwargs: Any) -> None:
        self._limits = least, most
        limits = {"type": "integer", "minimum": least, "maximum": most}
        super().__init__(metadata=limits | kwargs.pop("metadata", {}), **kwargs)

    def _validated(self, value: Any) -> int:
        if faults := whole_faults(value, *self._limits):
            raise ValidationError(faults)
        return int(value)


class Milliseconds(Whole):
    """A span of time."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(0, GREATEST_NUMBER, **kwargs)


class PageSize(fields.Integer):
    """How many to return at most, as a query parameter."""

    def __init__(self, *, most: int, **kwargs: Any) -> None:
        self._most = most
        limits = {"type": "integer", "minimum": 1, "maximum": most}
        super().__init__(metadata=limits | kwargs.pop("metadata", {}), **kwargs)

    def _validated(self, value: Any) -> int:
        digits = value.lstrip("0") if value.isascii() and value.isdigit() else ""
        if not 1 <= len(digits) <= len(str(self._most)) or int(digits) > self._most:
            raise ValidationError(f"Must be an integer from 1 to {self._most}.")
        return int(digits)


class PageCursor(fields.Field[Cursor]):
    """Where a page starts: opaque to the caller, taken from the link to the next page."""

    def __init__(self, **kwargs: Any) -> None:
        pattern = rf"^[0-9]{{1,{MS_DIGITS}}}-[^{FORBIDDEN_IN_IDS}]{{1,{LONGEST_ID}}}$"
        limits = {"type": "string", "pattern": pattern}
        super().__init__(metadata=limits | kwargs.pop("metadata", {}), **kwargs)

    @staticmethod
    def text(cursor: Cursor) -> str:
        return f"{epoch_ms(cursor.updated_at)}-{cursor.video_id}"

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Cursor:
        ms, _dash, video_id = value.partition("-")
        if not (ms.isascii() and ms.isdigit() and len(ms) <= MS_DIGITS and is_id(video_id)):
            raise ValidationError("Must be the cursor of a link to a next page.")
        return Cursor(from_epoch_ms(int(ms)), video_id)


UUID4_PATTERN = (
    "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$"
)
_a_uuid4 = re.compile(UUID4_PATTERN.strip("^$")).fullmatch


class Uuid4(fields.Field[UUID]):
    """A random UUID (version 4) as five groups of hexadecimal digits, and in no other writing."""

    def __init__(self, **kwargs: Any) -> None:
        limits = {"type": "string", "format": "uuid", "pattern": UUID4_PATTERN}
        super().__init__(metadata=limits | kwargs.pop("metadata", {}), **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> UUID:
        if not isinstance(value, str) or not _a_uuid4(value):
            raise ValidationError("Must be a UUID of version 4.")
        return UUID(value)


_like_a_moment = re.compile("[-0-9W]+[T ][0-9:.,]+(Z|[-+][0-9:.]+)").fullmatch
"""Python also takes any letter for the T, and ends at a NUL."""


class Moment(fields.Field[datetime]):
    """A time, ISO 8601 with its zone."""

    def __init__(self, **kwargs: Any) -> None:
        limits = {"type": "string", "format": "date-time"} | kwargs.pop("metadata", {})
        super().__init__(metadata=limits, **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> datetime:
        try:
            if isinstance(value, str) and _like_a_moment(value):
                return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise ValidationError("Must be an ISO 8601 time with a zone.")
