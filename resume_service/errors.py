"""What can go wrong, each named once with its HTTP status. Knows no web framework."""

from __future__ import annotations

from typing import ClassVar


class ServiceError(Exception):
    """A failure the caller is told about: `{"error": message}` with `status` and `headers`."""

    status: int
    message: str
    headers: ClassVar[dict[str, str]] = {}

    def __init__(self, message: str | None = None) -> None:
        if message is not None:
            self.message = message
        super().__init__(self.message)


class BadRequest(ServiceError):
    status = 400
    message = "Bad request"


class Unauthorized(ServiceError):
    """No usable token. One wording for every cause: the answer tells an attacker nothing."""

    status = 401
    message = "Missing or invalid token"
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": "Bearer"}


class Forbidden(ServiceError):
    status = 403
    message = "Not yours to reach"


class NotFound(ServiceError):
    status = 404
    message = "Not found"


class UnsupportedMediaType(ServiceError):
    status = 415
    message = "Send the body as application/json"


class Unavailable(ServiceError):
    """A part the service needs does not answer; the same request is worth repeating soon."""

    status = 503
    message = "Temporarily unavailable, try again"
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}


class ValidationFailed(ServiceError):
    """Fields that break the contract. `details` maps each field to its faults.

    `status` is 400 or 422: each API's contract names its own.
    """

    message = "Validation failed"

    def __init__(self, details: dict[str, list[str]], status: int) -> None:
        super().__init__()
        self.details = details
        self.status = status
