"""What the fields of `/v1` take. Each states the same in the OpenAPI document."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError, fields

from resume_service.resume.model import GREATEST_NUMBER
from resume_service.resume.schemas import milliseconds_faults

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


class Flag(fields.Boolean):
    """true or false, and nothing that resembles them."""

    def _validated(self, value: Any) -> bool:
        return self._deserialize(value)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("Must be true or false.")
        return value


class WholeNumber(fields.Integer):
    """A JSON integer, never a string or a boolean."""

    def __init__(self, *, least: int = 1, **kwargs: Any) -> None:
        self._least = least
        limits = {"minimum": least, "maximum": GREATEST_NUMBER}
        super().__init__(metadata=limits | kwargs.pop("metadata", {}), **kwargs)

    def _validated(self, value: Any) -> int:
        if faults := milliseconds_faults(value):
            raise ValidationError(faults)
        if value < self._least:
            raise ValidationError(f"Must be at least {self._least}.")
        return int(value)
