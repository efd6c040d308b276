"""Numbered pages of what a query finds, and how many there are in all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import sqlalchemy
from sqlalchemy import func

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    items: Sequence[Item]
    total: int


class PageRequest(NamedTuple):
    """Which page, from 1 on, of how many items each."""

    page: int
    per_page: int

    def of(
        self,
        sql: sqlalchemy.Connection,
        query: sqlalchemy.Select[Any],
        made: Callable[[sqlalchemy.Row[Any]], Item],
        key: sqlalchemy.ColumnElement[Any],
    ) -> Page[Item]:
        """That page of what `query` finds, which must be in a fixed order; `key` tells rows apart.

        What comes before the page is passed over by `key` alone, which an index may hold: to read
        the rows themselves takes several times as long where there are many.
        """
        counted = query.with_only_columns(func.count(), maintain_column_froms=True).order_by(None)
        keys = query.with_only_columns(key, maintain_column_froms=True).correlate(None)
        here = keys.limit(self.per_page).offset((self.page - 1) * self.per_page)
        rows = sql.execute(query.where(key.in_(here)))
        return Page([made(row) for row in rows], sql.execute(counted).scalar_one())
