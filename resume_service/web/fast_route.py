"""A route of the fast lane, which answers ordinary requests before Flask (see `fast_lane.py`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from resume_service.redis.operation import Operation
from resume_service.web.messages import ApiResponse


@dataclass(frozen=True, slots=True)
class FastRoute:
    """One route of the fast lane.

    `answer` gets the ApiRequest, the body and the values in the path. It returns the operation that
    answers the request, or None if Flask must answer it. The path contains only ASCII characters and
    no percent-escapes. `answer` and the operation raise the same errors as the Flask route.
    """

    method: str
    rule: str
    """The path in Flask's syntax, for example `/api/progress/<clerkId>`."""
    answer: Callable[..., Operation[ApiResponse] | None]
    media_types: tuple[str, ...] = ()
    """The accepted media types of the body. Empty if the route reads no body."""
    is_body_optional: bool = False
    """True if the route also accepts a request without a body, of any media type."""
    match: Callable[[str], re.Match[str] | None] = field(init=False, repr=False)
    """Returns the match if a path belongs to this route. Its groups are the values in the path."""

    def __post_init__(self) -> None:
        pattern = re.sub("<[^>]+>", "([^/]+)", self.rule)
        object.__setattr__(self, "match", re.compile(pattern).fullmatch)


class FastRoutes:
    """Finds the route of a request."""

    def __init__(self, routes: Sequence[FastRoute]) -> None:
        self._fixed = {(each.method, each.rule): each for each in routes if "<" not in each.rule}
        self._others: dict[str, list[FastRoute]] = {}
        """Maps a method such as `GET` to its routes with values in the path."""
        for route in routes:
            if "<" in route.rule:
                self._others.setdefault(route.method, []).append(route)

    def find(self, method: str, path: str) -> tuple[FastRoute | None, Sequence[str]]:
        """Return the route, and the values in the path. Return None as the route if none matches."""
        fixed = self._fixed.get((method, path))
        if fixed:
            return fixed, ()
        for route in self._others.get(method, ()):
            if match := route.match(path):
                return route, match.groups()
        return None, ()
