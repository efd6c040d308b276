"""Text that a client chooses: the name of a device, and the id of an event in a batch."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError, fields

# Postgres can't store NUL. UTF-8 can't encode surrogates. Other control characters are invisible.
UNPRINTABLE = r"\u0000-\u001f\u007f-\u009f"
PATTERN = f"^[^{UNPRINTABLE}]*$"
_has_unprintable = re.compile(rf"[{UNPRINTABLE}\ud800-\udfff]").search


def text_errors(value: object, least: int, most: int) -> list[str]:
    """Return messages that say why `value` is no text of `least` to `most` characters.

    The list is empty if `value` is valid.
    """
    if not isinstance(value, str):
        return ["Must be a string."]
    if not least <= len(value) <= most:
        return [f"Must be {least} to {most} characters long."]
    return ["Must hold no control character."] if _has_unprintable(value) else []


class NameText(fields.Field[str]):
    """Text of `least` to `most` characters, returned as it was received."""

    def __init__(self, least: int, most: int, **kwargs: Any) -> None:
        self._lengths = least, most
        limits = {"type": "string", "minLength": least, "maxLength": most, "pattern": PATTERN}
        super().__init__(metadata=limits | kwargs.pop("metadata", {}), **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if errors := text_errors(value, *self._lengths):
            raise ValidationError(errors)
        return str(value)
