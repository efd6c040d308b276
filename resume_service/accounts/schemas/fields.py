"""What the fields of `/v1` take. Each states the same in the OpenAPI document."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError, fields, validate

from resume_service.accounts import passwords
from resume_service.resume.model import GREATEST_NUMBER
from resume_service.web.fields import PageSize, whole_faults

# Postgres keeps no NUL and UTF-8 no half of a character; the others would hide in a list.
_unprintable = re.compile(r"[\u0000-\u001f\u007f-\u009f\ud800-\udfff]").search
LONGEST_EMAIL = 254
"""RFC 5321, section 4.5.3.1.3, less the angle brackets."""


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


class EmailAddress(PathText):
    """An address, in lower case: two spellings of it are one user."""

    _is_one = validate.Email()

    def __init__(self, **kwargs: Any) -> None:
        format_ = {"format": "email"} | kwargs.pop("metadata", {})
        super().__init__(most=LONGEST_EMAIL, metadata=format_, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        return self._is_one(super()._deserialize(value, *args, **kwargs).lower())


class Password(fields.String):
    def __init__(self, **kwargs: Any) -> None:
        limits = {"minLength": passwords.SHORTEST, "maxLength": passwords.LONGEST}
        super().__init__(metadata=limits | {"format": "password"}, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, *args, **kwargs))
        if not passwords.SHORTEST <= len(text) <= passwords.LONGEST:
            raise ValidationError(
                f"Must be {passwords.SHORTEST} to {passwords.LONGEST} characters long."
            )
        if re.search("[\ud800-\udfff]", text):
            raise ValidationError("Must be text.")
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
        if faults := whole_faults(value, self._least, GREATEST_NUMBER):
            raise ValidationError(faults)
        return int(value)


class CompanyNumber(PageSize):
    """The company that a query is about."""

    def __init__(self) -> None:
        described = {"description": "For a service; else the caller's own."}
        super().__init__(most=GREATEST_NUMBER, metadata=described)
