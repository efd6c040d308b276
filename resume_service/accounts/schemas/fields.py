"""Fields for e-mail addresses and passwords. Each field documents its limits in OpenAPI."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError, fields, validate

from resume_service.accounts import passwords
from resume_service.web.fields import PathText

MAX_EMAIL_LENGTH = 254
"""Maximum length of an e-mail address in characters.

RFC 5321, section 4.5.3.1.3, allows 256 characters, including two angle brackets.
"""


class EmailAddress(PathText):
    """An e-mail address, converted to lower case. So upper and lower case mean the same user."""

    _validated_email = validate.Email()

    def __init__(self, **kwargs: Any) -> None:
        format_ = {"format": "email"} | kwargs.pop("metadata", {})
        super().__init__(most=MAX_EMAIL_LENGTH, metadata=format_, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        return self._validated_email(super()._deserialize(value, *args, **kwargs).lower())


class Password(fields.String):
    def __init__(self, **kwargs: Any) -> None:
        limits = {"minLength": passwords.MIN_LENGTH, "maxLength": passwords.MAX_LENGTH}
        super().__init__(metadata=limits | {"format": "password"}, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, *args, **kwargs))
        if not passwords.MIN_LENGTH <= len(text) <= passwords.MAX_LENGTH:
            raise ValidationError(
                f"Must be {passwords.MIN_LENGTH} to {passwords.MAX_LENGTH} characters long."
            )
        if re.search("[\ud800-\udfff]", text):
            raise ValidationError("Must be text.")
        return text
