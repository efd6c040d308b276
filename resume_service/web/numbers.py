"""Rules for numbers in requests, and the marshmallow fields that check these rules."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields

GREATEST_NUMBER = 10**8
"""The largest number that a caller may send. The unit depends on the field."""


def seconds_errors(value: object) -> list[str]:
    """Return messages that say why `value` is no valid position in seconds.

    The list is empty if `value` is valid.
    """
    if type(value) is not int and type(value) is not float:
        return ["Must be a number."]
    if not 0 <= value <= GREATEST_NUMBER:
        return [f"Must be at least 0 and at most {GREATEST_NUMBER}."]
    return []


def length_errors(value: object) -> list[str]:
    """Return messages that say why `value` is no valid length of a video in seconds.

    The list is empty if `value` is valid.
    """
    errors = seconds_errors(value)
    if (errors and type(value) in (int, float)) or value == 0:
        return [f"Must be greater than 0 and at most {GREATEST_NUMBER}."]
    return errors


def whole_number_errors(value: object, least: int, most: int) -> list[str]:
    """Return messages that say why `value` is no integer from `least` to `most`.

    The list is empty if `value` is valid.
    """
    # Accept 5.0, because JSON Schema defines 5.0 as an integer, and some players send it for 5.
    if type(value) is not int and type(value) is not float:
        return ["Must be an integer."]
    if not least <= value <= most:
        return [f"Must be at least {least} and at most {most}."]
    return [] if value == int(value) else ["Must be an integer."]


class Seconds(fields.Float):
    """A position in a video, or the length of a video: a JSON number of seconds.

    If `above_zero` is true, 0 is invalid. Strings and booleans are invalid.
    """

    def __init__(self, *, above_zero: bool = False, **kwargs: Any) -> None:
        self._above_zero = above_zero
        least = {"exclusiveMinimum": 0} if above_zero else {"minimum": 0}
        limits = {"type": "number", "maximum": GREATEST_NUMBER} | least
        super().__init__(metadata=limits | kwargs.pop("metadata", {}), **kwargs)

    def _validated(self, value: Any) -> float:
        if errors := (length_errors if self._above_zero else seconds_errors)(value):
            raise ValidationError(errors)
        return float(value)


class WholeNumber(fields.Integer):
    """A JSON integer from `least` to `most`. Strings and booleans are invalid."""

    def __init__(self, least: int = 1, most: int = GREATEST_NUMBER, **kwargs: Any) -> None:
        self._limits = least, most
        limits = {"type": "integer", "minimum": least, "maximum": most}
        super().__init__(metadata=limits | kwargs.pop("metadata", {}), **kwargs)

    def _validated(self, value: Any) -> int:
        if errors := whole_number_errors(value, *self._limits):
            raise ValidationError(errors)
        return int(value)
