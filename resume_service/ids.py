"""Rules for ids.

The platforms that call this service choose user ids and video ids. Such an id is an opaque string.
A row id is the id of a row in Postgres, a whole number from 1.
"""

from __future__ import annotations

import re

LONGEST_ID = 128
"""Maximum length of an id in characters (Unicode code points)."""

FORBIDDEN_IN_IDS = r"\s/\u0000-\u001f\u007f-\u009f\ufeff"
"""The characters that an id must not contain, in the syntax of a regular expression.

They are white space, `/`, control characters and the byte order mark.
"""

ID_PATTERN = f"^[^{FORBIDDEN_IN_IDS}]+$"
"""The regular expression of an id in the OpenAPI document."""

_match_row_id = re.compile("[1-9][0-9]{0,18}").fullmatch
# JSON can contain a lone surrogate such as \ud800. UTF-8 can't encode a lone surrogate, so Redis
# can't store an id with a lone surrogate.
_match_id = re.compile(rf"[^{FORBIDDEN_IN_IDS}\ud800-\udfff]{{1,{LONGEST_ID}}}").fullmatch

GREATEST_ROW_ID = 2**63 - 1
"""The largest row id. Row ids have the type `bigint` in Postgres."""

RESERVED_USER_IDS = frozenset(
    {"batch", "events", "lessons", "modules", "move", "series", "summary", "watched"}
)
"""Words that can't be user ids, because they are reserved in URLs under `/api/progress`."""

_match_user_id = re.compile(
    rf"(?!(?:{'|'.join(sorted(RESERVED_USER_IDS))})\Z)[^{FORBIDDEN_IN_IDS}\ud800-\udfff]{{1,{LONGEST_ID}}}"
).fullmatch


def row_id(text: str) -> int | None:
    """Parse a row id. Return None if `text` is no row id. A row id has no leading zeros."""
    if _match_row_id(text) is None or (number := int(text)) > GREATEST_ROW_ID:
        return None
    return number


def is_id(value: object) -> bool:
    """Return whether `value` is a valid user id or video id. Does not check RESERVED_USER_IDS."""
    return isinstance(value, str) and _match_id(value) is not None


def is_user_id(value: object) -> bool:
    """Return whether `value` is a valid user id, and none of RESERVED_USER_IDS."""
    return isinstance(value, str) and _match_user_id(value) is not None


def id_errors(value: object) -> list[str]:
    """Return messages that say why `value` is no valid id. The list is empty for a valid id."""
    if not isinstance(value, str):
        return ["Must be a string."]
    if not 1 <= len(value) <= LONGEST_ID:
        return [f"Must be 1 to {LONGEST_ID} characters long."]
    if not is_id(value):
        return ["Must hold no white space, no control character and no '/'."]
    return []


def user_id_errors(value: object) -> list[str]:
    """Like `id_errors`, but `value` must not be one of RESERVED_USER_IDS either."""
    if isinstance(value, str) and value in RESERVED_USER_IDS:
        return [f"{value!r} is a word of the URL space and can't be a user id."]
    return id_errors(value)
