"""Configures the logs: JSON lines, or readable lines if standard error is a terminal."""

from __future__ import annotations

import logging.config
import os
import sys
from contextvars import ContextVar
from typing import Any

import structlog

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""Id of the request that this thread or greenlet serves. Its log lines contain this id."""


def _add_request_id(_logger: object, _method: str, event: Any) -> Any:
    if current_id := request_id.get():
        event.setdefault("request_id", current_id)
    return event


_SHARED: list[Any] = [
    _add_request_id,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure(level: str) -> None:
    """Send the logs of the service and of its libraries to standard error.

    Messages below `level` are not logged.
    """
    logging.config.dictConfig(dict_config(level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def dict_config(level: str) -> dict[str, Any]:
    """Return the configuration for `logging.config.dictConfig`. gunicorn also uses it."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *_render(),
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": {
            "gunicorn.error": {"handlers": [], "propagate": True},
            # The worker itself logs its runs, so the messages of apscheduler about them are not needed.
            "apscheduler": {"level": "ERROR"},
            "alembic": {"level": "WARNING"},
        },
    }


def _render() -> list[Any]:
    """Return the processors that produce the text of a log line.

    Tracebacks do not contain local variables, because these may contain secrets.
    """
    if sys.stderr.isatty() or "FORCE_COLOR" in os.environ:
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(exception_formatter=plain)]
    trace = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return [structlog.processors.ExceptionRenderer(trace), structlog.processors.JSONRenderer()]
