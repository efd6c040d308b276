"""Keyset pagination: a cursor contains the last item of a page. The next page starts after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Cursor:
    """The time and the video id of the last item of a page.

    The next page starts after this item.
    """

    updated_at: datetime
    video_id: str


@dataclass(frozen=True, slots=True)
class CursorPage(Generic[Item]):
    """One page of a list. The newest item comes first."""

    items: list[Item]
    next: Cursor | None
    """The cursor that selects the next page. None if this is the last page."""
