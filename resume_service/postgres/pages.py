"""Divides the rows of a query into numbered pages, and counts all rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import sqlalchemy
from sqlalchemy import func

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """The items of one page, and the total number of items on all pages."""

    items: Sequence[Item]
    total: int


class PageRequest(NamedTuple):
    """The number of a page, starting at 1, and the number of items per page."""

    page: int
    per_page: int

    def of(
        self,
        sql: sqlalchemy.Connection,
        query: sqlalchemy.Select[Any],
        to_item: Callable[[sqlalchemy.Row[Any]], Item],
        key: sqlalchemy.ColumnElement[Any],
        total: sqlalchemy.Select[int] | None = None,
    ) -> Page[Item]:
        """Return this page of `query`. The query must have a fixed order. `key` must be unique.

        `total` selects the number of rows of `query`. If it is None, Postgres counts them, which
        takes longer the more rows there are.

        To skip the rows of earlier pages, Postgres reads only the column `key`, often from an index.
        In a large table, reading the whole rows takes several times as long.
        """
        if total is None:
            counted = query.with_only_columns(func.count(), maintain_column_froms=True)
            total = counted.order_by(None)
        keys = query.with_only_columns(key, maintain_column_froms=True).correlate(None)
        page_keys = keys.limit(self.per_page).offset((self.page - 1) * self.per_page)
        rows = sql.execute(query.where(key.in_(page_keys)))
        return Page([to_item(row) for row in rows], sql.execute(total).scalar_one())
