"""Records the SQL that a database object executes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import event

from resume_service.postgres.database import Database


@contextlib.contextmanager
def statements_of(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """The statements executed inside the `with`, each with its parameters."""
    executed: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        executed.append((statement, parameters))

    event.listen(database._engine, "before_cursor_execute", note)
    try:
        yield executed
    finally:
        event.remove(database._engine, "before_cursor_execute", note)
