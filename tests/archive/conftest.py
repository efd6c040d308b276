"""What the archive logs, for tests of what it tells."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from resume_service import logs


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """The lines logged from here on, whatever other tests have configured."""
    lines: list[str] = []

    class Listing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(str(record.msg))

    logs.configure("info")
    handler = Listing()
    logging.getLogger().addHandler(handler)
    yield lines
    logging.getLogger().removeHandler(handler)
