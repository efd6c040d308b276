"""The kinds of values that every dialect's fields are made of, as marshmallow fields.

Each carries the JSON Schema of what it takes, so that the OpenAPI document states the same rules.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from marshmallow import EXCLUDE, Schema, ValidationError, fields

from resume_service.ids import ID_PATTERN, LONGEST_ID, RESERVED_USER_IDS, id_errors, user_id_errors


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
        if faults := id_errors(value):
            raise ValidationError(faults)
        return str(value)


class UserId(fields.Field[str]):
    """The opaque id of a user."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata=USER_ID_SCHEMA | kwargs.pop("metadata", {}), **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if faults := user_id_errors(value):
            raise ValidationError(faults)
        return str(value)


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


# Postgres keeps no NUL and UTF-8 no half of a character; the others would hide in a list.
_unprintable = re.compile(r"[\u0000-\u001f\u007f-\u009f\ud800-\udfff]").search


class Text(fields.String):
    """Text of a line, without the white space around it."""

    def __init__(self, *, most: int, **kwargs: Any) -> None:
        self._most = most
        limits = {"minLength": 1, "maxLength": most}
        super().__init__(metadata=limits | kwargs.pop("metadata", {}), **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, *args, **kwargs)).strip()
        if not 1 <= len(text) <= self._most:
            raise ValidationError(f"Must be 1 to {self._most} characters long.")
        if _unprintable(text):
            raise ValidationError("Must hold no control character.")
        return text


class PathText(Text):
    """Text that also stands in a path."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, *args, **kwargs)
        if "/" in text or text in (".", ".."):
            raise ValidationError("Must hold no '/', and not be '.' or '..'.")
        return text


class Flag(fields.Boolean):
    """true or false, and nothing that resembles them."""

    def _validated(self, value: Any) -> bool:
        return self._deserialize(value)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("Must be true or false.")
        return value
