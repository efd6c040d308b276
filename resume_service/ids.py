"""User and video ids: opaque strings chosen by the platforms that call this service."""

from __future__ import annotations

import re

LONGEST_ID = 128
"""Characters (Unicode code points), not bytes."""

FORBIDDEN_IN_IDS = r"\s/\u0000-\u001f\u007f-\u009f\ufeff"
"""White space, `/` and control characters, as a regular expression for the OpenAPI document."""

ID_PATTERN = f"^[^{FORBIDDEN_IN_IDS}]+$"
_match_row_id = re.compile("[1-9][0-9]{0,18}").fullmatch
# JSON can contain a lone surrogate (\ud800). UTF-8, and so Redis, can't store it.
_match_id = re.compile(rf"[^{FORBIDDEN_IN_IDS}\ud800-\udfff]{{1,{LONGEST_ID}}}").fullmatch

GREATEST_ROW_ID = 2**63 - 1
"""The largest `bigint` in Postgres, the type of user, company and video ids."""

RESERVED_USER_IDS = ("lessons", "modules", "summary", "batch", "events")
"""Fixed path segments under `/api/progress`. They can't be user ids."""


def row_id(text: str) -> int | None:
    """Parse the id of a row. Return None for any other text, also for leading zeros."""
    if _match_row_id(text) is None or (number := int(text)) > GREATEST_ROW_ID:
        return None
    return number


def is_id(value: object) -> bool:
    return isinstance(value, str) and _match_id(value) is not None


def id_errors(value: object) -> list[str]:
    """Return the errors of `value` as an id, as messages for the caller. Empty for a valid id."""
    if not isinstance(value, str):
        return ["Must be a string."]
    if not 1 <= len(value) <= LONGEST_ID:
        return [f"Must be 1 to {LONGEST_ID} characters long."]
    if not is_id(value):
        return ["Must hold no white space, no control character and no '/'."]
    return []


def user_id_errors(value: object) -> list[str]:
    """As `id_errors`, for the id of a user."""
    if value in RESERVED_USER_IDS:
        return [f"{value!r} is a word of the URL space and can't be a user id."]
    return id_errors(value)
