"""Routes that the fast lane knows: how a dialect reads a request that has nothing unusual about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from resume_service.web.messages import ApiResponse


@dataclass(frozen=True, slots=True)
class FastRoute:
    """One route. `answer` gets what is Asked, the body, and the values in the path.

    The path is ASCII and holds no escape. It returns None for a request that it can't answer as well as Flask would, before it has done
    anything, and raises what the route itself would raise.
    """

    method: str
    rule: str
    """As Flask writes it: `/api/progress/<clerkId>`."""
    answer: Callable[..., ApiResponse | None]
    media_types: tuple[str, ...] = ()
    """Media types of its body; none where it has no body."""
    match: Callable[[str], re.Match[str] | None] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        pattern = re.sub("<[^>]+>", "([^/]+)", self.rule)
        object.__setattr__(self, "match", re.compile(pattern).fullmatch)
