"""Keyset pagination: a page of a list, and the cursor of the next page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last item of a page. The next page starts after it."""

    updated_at: datetime
    video_id: str


@dataclass(frozen=True, slots=True)
class CursorPage(Generic[Item]):
    """Some items of a list, newest first."""

    items: list[Item]
    next: Cursor | None
    """Cursor of the next page. None on the last page."""
