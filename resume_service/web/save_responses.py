"""Responses to saves. The header `Resume-Every` limits how often players save.

Operators use it to reduce the load without a new release of their players. Its value is constant,
so the headers are built once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric

from resume_service.web.messages import JSON, ApiResponse, Headers, json_response

RESUME_EVERY = "Resume-Every"
RESUME_EVERY_DOC = {
    RESUME_EVERY: {
        "description": "Save at most once in this number of seconds of playback. Saves on pause,"
        " seek and end are not affected. Absent if RESUME_EVERY_SECONDS is not set.",
        "schema": {"type": "integer", "minimum": 5, "maximum": 60},
    }
}
"""The header in the OpenAPI document."""


class SaveResponses:
    """Builds the responses to successful saves.

    `every_seconds` is RESUME_EVERY_SECONDS. If it is None, the responses have no `Resume-Every`.
    """

    def __init__(self, every_seconds: int | None) -> None:
        every: Headers = ((RESUME_EVERY, str(every_seconds)),) if every_seconds else ()
        self._json = JSON + every
        self.applied = ApiResponse(204, (("Resume-Applied", "true"), *every))
        self.ignored = ApiResponse(204, (("Resume-Applied", "false"), *every))

    def json(self, value: Any) -> ApiResponse:
        """Return a response with `value` as JSON."""
        return json_response(value, headers=self._json)


class SaveIntervalCollector:
    """The metric with RESUME_EVERY_SECONDS. All processes of a host have the same value."""

    def __init__(self, every_seconds: int | None) -> None:
        self._seconds = every_seconds or 0

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "resume_every_seconds",
            "RESUME_EVERY_SECONDS: players save at most once in this time; 0 if it is not set.",
            value=self._seconds,
        )
