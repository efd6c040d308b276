"""`ageMs`: the time between an event and the arrival of its request, in milliseconds.

The maximum age is RESUME_TTL_DAYS. The fields here accept the age that the largest RESUME_TTL_DAYS
allows, because a schema does not know the settings. Then routes call `require_age`.
"""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError, fields

from resume_service.errors import ValidationFailed
from resume_service.settings import LONGEST_TTL_DAYS, Settings
from resume_service.web.numbers import WholeNumber, whole_number_errors

DAY_MS = 24 * 60 * 60 * 1000
GREATEST_AGE_MS = LONGEST_TTL_DAYS * DAY_MS
_match_query = re.compile(r"ageMs=([0-9]{1,12})").fullmatch


class AgeMs(WholeNumber):
    """The age in a request body. 0 if it is absent."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(0, GREATEST_AGE_MS, load_default=0, **kwargs)


class QueryAgeMs(fields.Integer):
    """The age in a query. 0 if it is absent."""

    def __init__(self, **kwargs: Any) -> None:
        limits = {"type": "integer", "minimum": 0, "maximum": GREATEST_AGE_MS}
        super().__init__(metadata=limits | kwargs.pop("metadata", {}), load_default=0, **kwargs)

    def _validated(self, value: Any) -> int:
        digits = value.lstrip("0")
        is_number = value.isascii() and value.isdigit()  # isdigit accepts all scripts, and "²"
        if not is_number or len(digits) > len(str(GREATEST_AGE_MS)):
            raise ValidationError(whole_number_errors(value, 0, GREATEST_AGE_MS))
        if errors := whole_number_errors(int(digits or "0"), 0, GREATEST_AGE_MS):
            raise ValidationError(errors)
        return int(digits or "0")


def is_age(value: float) -> bool:
    """Return whether AgeMs accepts `value`."""
    return value == 0 or not whole_number_errors(value, 0, GREATEST_AGE_MS)


def age_in(query: str) -> int | None:
    """Return the age in a query string, as QueryAgeMs does. None if the query is unusual."""
    if not query:
        return 0
    matched = _match_query(query)
    age_ms = int(matched[1]) if matched else GREATEST_AGE_MS + 1
    return age_ms if age_ms <= GREATEST_AGE_MS else None


def age_errors(age_ms: float, longest_ms: int) -> list[str]:
    """Return messages that say why `age_ms` is longer than `longest_ms`. Empty if it is not."""
    return [] if age_ms <= longest_ms else whole_number_errors(age_ms, 0, longest_ms)


def require_age(age_ms: float, longest_ms: int, status: int) -> None:
    """Raise ValidationFailed with `status` if `age_ms` is longer than `longest_ms`."""
    if errors := age_errors(age_ms, longest_ms):
        raise ValidationFailed({"ageMs": errors}, status)


def describe_maximum(settings: Settings) -> Any:
    """Return a function for apispec. It adds the maximum age to the JSON Schema of a field."""
    maximum = {"maximum": settings.resume_ttl_days * DAY_MS}

    def describe(_converter: Any, field: fields.Field[Any], **_: Any) -> dict[str, Any]:
        return maximum if isinstance(field, AgeMs | QueryAgeMs) else {}

    return describe
