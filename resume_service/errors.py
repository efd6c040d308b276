"""The errors of the service, each with its HTTP status. This module imports no web framework."""

from __future__ import annotations

from typing import ClassVar


class ServiceError(Exception):
    """An error that becomes a response: `status`, `headers` and the JSON `{"error": message}`."""

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
    """The request has no valid token.

    All causes have the same message. So an attacker does not learn the cause from the message.
    """

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
    """The lesson is locked: the user must complete other lessons first.

    `details` lists the ids of those lessons.
    """

    message = "Complete this lesson's prerequisites first"

    def __init__(self, lessons: list[str]) -> None:
        super().__init__()
        self.details = {"prerequisites": lessons}


class UnsupportedMediaType(ServiceError):
    status = 415
    message = "Send the body as application/json"


class RangeNotSatisfiable(ServiceError):
    """The video has none of the requested bytes.

    The `Content-Range` header states the size of the video in bytes, if the size is known.
    """

    status = 416
    message = "Range Not Satisfiable"

    def __init__(self, total: int | None) -> None:
        super().__init__()
        headers = {} if total is None else {"Content-Range": f"bytes */{total}"}
        self.headers = headers  # type: ignore[misc]  # per instance: hides the class attribute


class TooManyRequests(ServiceError):
    """The caller has sent more requests than a rate limit allows.

    `headers` state the number of seconds until the limit allows the next request.
    """

    status = 429
    message = "Too many requests, slow down"

    def __init__(self, headers: dict[str, str], message: str | None = None) -> None:
        super().__init__(message)
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
    """A server that this service needs, such as Redis, does not answer.

    The client may retry after one second.
    """

    status = 503
    message = "Temporarily unavailable, try again"
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}


class ValidationFailed(ServiceError):
    """The request has invalid fields. `details` maps the name of each invalid field to its errors.

    `status` is 400 or 422: the contract of each API requires one of them.
    """

    message = "Validation failed"

    def __init__(
        self, details: dict[str, list[str]], status: int, message: str | None = None
    ) -> None:
        super().__init__(message)
        self.details = details
        self.status = status
