"""User and video ids: opaque strings chosen by the platforms that call this service."""

from __future__ import annotations

import re

LONGEST_ID = 128
"""Characters (code points), not bytes."""

FORBIDDEN_IN_IDS = r"\s/\u0000-\u001f\u007f-\u009f\ufeff"
"""White space, `/` and control characters, as the OpenAPI document states it."""

ID_PATTERN = f"^[^{FORBIDDEN_IN_IDS}]+$"
# JSON can also spell half a character (a lone surrogate), which UTF-8, and so Redis, can't hold.
_a_row_id = re.compile("[1-9][0-9]{0,18}").fullmatch
_an_id = re.compile(rf"[^{FORBIDDEN_IN_IDS}\ud800-\udfff]{{1,{LONGEST_ID}}}").fullmatch

GREATEST_ROW_ID = 2**63 - 1
"""Of what Postgres numbers: accounts, companies, videos."""

RESERVED_USER_IDS = ("lessons", "modules", "summary", "batch", "events")
"""Words of the URL space under `/api/progress`."""


def row_id(text: str) -> int | None:
    """The id of a row that `text` spells, None when it spells none; one way to spell each."""
    if _a_row_id(text) is None or (spelled := int(text)) > GREATEST_ROW_ID:
        return None
    return spelled


def is_id(value: object) -> bool:
    return isinstance(value, str) and _an_id(value) is not None


def id_errors(value: object) -> list[str]:
    """What is wrong with `value` as an id, in words for the caller; empty when nothing is."""
    if not isinstance(value, str):
        return ["Must be a string."]
    if not 1 <= len(value) <= LONGEST_ID:
        return [f"Must be 1 to {LONGEST_ID} characters long."]
    if not is_id(value):
        return ["Must hold no white space, no control character and no '/'."]
    return []


def user_id_errors(value: object) -> list[str]:
    """As `id_faults`, for the id of a user."""
    if value in RESERVED_USER_IDS:
        return [f"{value!r} is a word of the URL space and can't be a user id."]
    return id_errors(value)
