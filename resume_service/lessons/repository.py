"""Lists, creates, reads, updates and deletes the rows of one table."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import sqlalchemy
from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.exc import IntegrityError

from resume_service.errors import NotFound, ValidationFailed
from resume_service.postgres.database import Database
from resume_service.postgres.pages import Page, PageRequest

Query: TypeAlias = Select[*tuple[Any, ...]]
Record: TypeAlias = Row[*tuple[Any, ...]]

INVALID = 422
"""The HTTP status of the `/v1` routes for a request that fails validation."""
CONSTRAINT_ERRORS = {
    "lessons_module_id_fkey": {"module_id": ["No such module."]},
    "lesson_prerequisites_prerequisite_id_fkey": {"prerequisites": ["No such lesson."]},
}
"""The details of the error response, by the name of the foreign key that is violated."""


class Repository:
    """The rows of one table. Every method may raise Unavailable."""

    def __init__(self, database: Database, table: sqlalchemy.Table, not_found: str) -> None:
        self._database = database
        self._table = table
        self._not_found = not_found

    def page(self, page_request: PageRequest, **filters: Any) -> Page[Record]:
        """A page of the rows that match `filters`: names of columns and their values."""
        conditions = [self._table.c[name] == value for name, value in filters.items()]
        query = self._query().where(*conditions).order_by(*self._order())
        with self._database.transaction() as sql:
            return page_request.of(sql, query, lambda row: row, self._table.c.id)

    def read(self, row_id: UUID) -> Record:
        """Raises NotFound if the row does not exist."""
        with self._database.transaction() as sql:
            return self._read(sql, row_id)

    def create(self, values: Mapping[str, Any]) -> Record:
        """Insert a row. Raises ValidationFailed if a referenced row does not exist."""
        row_id = uuid4()
        with self._writing() as sql:
            sql.execute(self._table.insert().values(id=row_id, **self._columns(values)))
            self._write_related(sql, row_id, values)
            return self._read(sql, row_id)

    def update(self, row_id: UUID, values: Mapping[str, Any]) -> Record:
        """Change the columns in `values`. Other columns do not change, except `updated_at`.

        Raises NotFound if the row does not exist. Raises ValidationFailed if a referenced row does
        not exist.
        """
        statement = self._table.update().where(self._table.c.id == row_id)
        with self._writing() as sql:
            update = statement.values(updated_at=func.now(), **self._columns(values))
            if not sql.execute(update).rowcount:
                raise NotFound(self._not_found)
            self._write_related(sql, row_id, values)
            return self._read(sql, row_id)

    def delete(self, row_id: UUID) -> None:
        """Raises NotFound if the row does not exist."""
        with self._database.transaction() as sql:
            self._delete(sql, row_id)

    def _query(self) -> Query:
        """Selects all rows. Subclasses may add columns of other tables."""
        return select(self._table)

    def _order(self) -> tuple[ColumnElement[Any], ...]:
        return (self._table.c.created_at, self._table.c.id)

    def _columns(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if name in self._table.c}

    def _write_related(
        self, sql: sqlalchemy.Connection, row_id: UUID, values: Mapping[str, Any]
    ) -> None:
        """Write the `values` that belong to other tables. Does nothing, unless a subclass does."""

    def _read(self, sql: sqlalchemy.Connection, row_id: UUID) -> Record:
        row = sql.execute(self._query().where(self._table.c.id == row_id)).one_or_none()
        if row is None:
            raise NotFound(self._not_found)
        return row

    def _delete(self, sql: sqlalchemy.Connection, row_id: UUID) -> None:
        if not sql.execute(self._table.delete().where(self._table.c.id == row_id)).rowcount:
            raise NotFound(self._not_found)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlalchemy.Connection]:
        """A transaction. Raises ValidationFailed if a foreign key is violated."""
        try:
            with self._database.transaction() as sql:
                yield sql
        except IntegrityError as fault:
            constraint = getattr(getattr(fault.orig, "diag", None), "constraint_name", None)
            if constraint not in CONSTRAINT_ERRORS:
                raise
            raise ValidationFailed(CONSTRAINT_ERRORS[constraint], INVALID) from fault
