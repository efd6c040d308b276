"""The errors of the service, each with its HTTP status. Independent of any web framework."""

from __future__ import annotations

from typing import ClassVar


class ServiceError(Exception):
    """An error that becomes a response: `{"error": message}` with `status` and `headers`."""

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
    """No valid token. All causes share one message, so an attacker learns nothing from it."""

    status = 401
    message = "Missing or invalid token"
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": "Bearer"}


class Forbidden(ServiceError):
    status = 403
    message = "Not yours to reach"


class NotFound(ServiceError):
    status = 404
    message = "Not found"


class Conflict(ServiceError):
    status = 409
    message = "In conflict with what is there"


class PrerequisitesMissing(Conflict):
    """The lesson is locked. `details` lists the ids of the lessons to complete first."""

    message = "Complete this lesson's prerequisites first"

    def __init__(self, lessons: list[str]) -> None:
        super().__init__()
        self.details = {"prerequisites": lessons}


class UnsupportedMediaType(ServiceError):
    status = 415
    message = "Send the body as application/json"


class RangeNotSatisfiable(ServiceError):
    """The video has none of the requested bytes. `headers` state its size, if known."""

    status = 416
    message = "Range Not Satisfiable"

    def __init__(self, total: int | None) -> None:
        super().__init__()
        headers = {} if total is None else {"Content-Range": f"bytes */{total}"}
        self.headers = headers  # type: ignore[misc]  # per instance: hides the class attribute


class TooManyRequests(ServiceError):
    """The caller has used up a rate limit. `headers` state when the limit allows more."""

    status = 429
    message = "Too many requests, slow down"

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__()
        self.headers = headers  # type: ignore[misc]  # per instance: hides the class attribute


class OriginFailed(ServiceError):
    """The origin server of a video rejected the request or sent an invalid response."""

    status = 502
    message = "The video's origin failed"


class OriginTimeout(ServiceError):
    """The origin server of a video did not answer in time."""

    status = 504
    message = "The video's origin does not answer"


class Unavailable(ServiceError):
    """A service that this one needs, such as Redis, does not answer. The client may retry soon."""

    status = 503
    message = "Temporarily unavailable, try again"
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}


class ValidationFailed(ServiceError):
    """Fields that break the contract. `details` maps each field to its errors.

    `status` is 400 or 422, as the contract of each API requires.
    """

    message = "Validation failed"

    def __init__(
        self, details: dict[str, list[str]], status: int, message: str | None = None
    ) -> None:
        super().__init__(message)
        self.details = details
        self.status = status
