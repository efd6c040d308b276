"""Fields for e-mail addresses and passwords. Each documents its limits in OpenAPI."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError, fields, validate

from resume_service.accounts import passwords
from resume_service.web.fields import PathText

LONGEST_EMAIL = 254
"""Characters, from RFC 5321, section 4.5.3.1.3, without the angle brackets."""


class EmailAddress(PathText):
    """An address in lower case, so that upper and lower case name the same user."""

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
