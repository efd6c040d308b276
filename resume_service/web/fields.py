"""The marshmallow fields that several APIs use: ids, times, text and flags.

Each field also contains the JSON Schema of its values. So the OpenAPI document states the rules
that the field checks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from marshmallow import EXCLUDE, Schema, ValidationError, fields

from resume_service.ids import ID_PATTERN, LONGEST_ID, RESERVED_USER_IDS, id_errors, user_id_errors
from resume_service.web.numbers import GREATEST_NUMBER
from resume_service.web.pagination import PageSize


class BodySchema(Schema):
    """A request body. Unknown fields are ignored, so that newer players can call older servers."""

    class Meta:
        unknown = EXCLUDE


ID_SCHEMA = {"type": "string", "minLength": 1, "maxLength": LONGEST_ID, "pattern": ID_PATTERN}
USER_ID_SCHEMA = ID_SCHEMA | {"not": {"enum": sorted(RESERVED_USER_IDS)}}


class VideoId(fields.Field[str]):
    """The opaque id of a video."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata=ID_SCHEMA | kwargs.pop("metadata", {}), **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if errors := id_errors(value):
            raise ValidationError(errors)
        return str(value)


class UserId(fields.Field[str]):
    """The opaque id of a user."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata=USER_ID_SCHEMA | kwargs.pop("metadata", {}), **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if errors := user_id_errors(value):
            raise ValidationError(errors)
        return str(value)


class CompanyNumber(PageSize):
    """The parameter `corporation_id` of a query."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(most=GREATEST_NUMBER, **kwargs)


UUID4_PATTERN = (
    "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$"
)
_match_uuid4 = re.compile(UUID4_PATTERN.strip("^$")).fullmatch


class Uuid4(fields.Field[UUID]):
    """A random UUID (version 4).

    It must consist of five groups of hexadecimal digits with hyphens.
    """

    def __init__(self, **kwargs: Any) -> None:
        limits = {"type": "string", "format": "uuid", "pattern": UUID4_PATTERN}
        super().__init__(metadata=limits | kwargs.pop("metadata", {}), **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> UUID:
        if not isinstance(value, str) or not _match_uuid4(value):
            raise ValidationError("Must be a UUID of version 4.")
        return UUID(value)


_match_iso_time = re.compile("[-0-9W]+[T ][0-9:.,]+(Z|[-+][0-9:.]+)").fullmatch
"""Needed because `datetime.fromisoformat` accepts too much.

It accepts any character in place of the T. It ignores a NUL character and all text after the NUL.
"""


class Moment(fields.Field[datetime]):
    """A time in ISO 8601 with a time zone."""

    def __init__(self, **kwargs: Any) -> None:
        limits = {"type": "string", "format": "date-time"} | kwargs.pop("metadata", {})
        super().__init__(metadata=limits, **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> datetime:
        try:
            if isinstance(value, str) and _match_iso_time(value):
                return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise ValidationError("Must be an ISO 8601 time with a zone.")


# Postgres can't store NUL. UTF-8 can't encode surrogates. Other control characters are invisible in
# most programs, so two different texts could look the same.
_unprintable = re.compile(r"[\u0000-\u001f\u007f-\u009f\ud800-\udfff]").search


class Text(fields.String):
    """One line of text with 1 to `most` characters. White space at both ends is removed."""

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
    """Text that can be a segment of a URL path."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, *args, **kwargs)
        if "/" in text or text in (".", ".."):
            raise ValidationError("Must hold no '/', and not be '.' or '..'.")
        return text


class Items(fields.Field[list[Any]]):
    """An array with `least` to `most` items. The route validates each item, by one of `schemas`.

    The OpenAPI document contains `schemas`, and allows other items too: they do not fail the request.
    """

    def __init__(
        self, least: int, most: int, schemas: Sequence[type[Schema]], **kwargs: Any
    ) -> None:
        self._limits = least, most
        self.schemas = schemas
        limits = {"type": "array", "minItems": least, "maxItems": most}
        super().__init__(metadata=limits | kwargs.pop("metadata", {}), **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> list[Any]:
        least, most = self._limits
        if not isinstance(value, list):
            raise ValidationError("Must be an array.")
        if not least <= len(value) <= most:
            raise ValidationError(f"Must have {least} to {most} items.")
        return value


class Flag(fields.Boolean):
    """JSON true or false. Other values, such as 1 or "yes", are invalid."""

    def _validated(self, value: Any) -> bool:
        return self._deserialize(value)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("Must be true or false.")
        return value
