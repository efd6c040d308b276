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


class Conflict(ServiceError):
    status = 409
    message = "In conflict with what is there"


class PrerequisitesMissing(Conflict):
    """A lesson that is locked; `details` lists the lessons to complete before."""

    message = "Complete this lesson's prerequisites first"

    def __init__(self, lessons: list[str]) -> None:
        super().__init__()
        self.details = {"prerequisites": lessons}


class UnsupportedMediaType(ServiceError):
    status = 415
    message = "Send the body as application/json"


class RangeNotSatisfiable(ServiceError):
    """None of the bytes asked for are there; `headers` say how many are, if that is known."""

    status = 416
    message = "Range Not Satisfiable"

    def __init__(self, total: int | None) -> None:
        super().__init__()
        known = {} if total is None else {"Content-Range": f"bytes */{total}"}
        self.headers = known  # type: ignore[misc]  # its own, where the others' are of the class


class TooManyRequests(ServiceError):
    """The caller has used up what a limit allows; `headers` say when there will be more."""

    status = 429
    message = "Too many requests, slow down"

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__()
        self.headers = headers  # type: ignore[misc]  # its own, where the others' are of the class


class OriginFailed(ServiceError):
    """What holds a video's bytes refused them, or sent something else."""

    status = 502
    message = "The video's origin failed"


class OriginTimeout(ServiceError):
    """What holds a video's bytes did not answer in time."""

    status = 504
    message = "The video's origin does not answer"


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

    def __init__(
        self, details: dict[str, list[str]], status: int, message: str | None = None
    ) -> None:
        super().__init__(message)
        self.details = details
        self.status = status
