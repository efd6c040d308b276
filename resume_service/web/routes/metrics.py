"""`/metrics`: the metrics of all worker processes, in the text format of Prometheus."""

from __future__ import annotations

import os
from pathlib import Path

from flask import Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from resume_service.telemetry.metrics import SharedCollectors, flush
from resume_service.telemetry.metrics_folder import no_fold
from resume_service.web.blueprint import Blueprint
from resume_service.web.services import services

blp = Blueprint("metrics", __name__)


@blp.route("/metrics")
@blp.response(200, {"type": "string"}, content_type="text/plain")
@blp.errors(503, public=True)
def metrics() -> Response:
    """Return the metrics.

    They include the requests by route and status, and the latency of Redis. They also include the
    applied and ignored saves, and the backlog of the archive.
    """
    flush()
    text = _text_of_requests()
    if shared := services().find(SharedCollectors):
        # Use a separate registry. MultiProcessCollector would add up the values of the processes,
        # but these values are the same in all processes.
        shared_registry = CollectorRegistry()
        for collector in shared.collectors:
            shared_registry.register(collector)
        text += generate_latest(shared_registry)
    return Response(text, content_type=CONTENT_TYPE_LATEST)


def _text_of_requests() -> bytes:
    """Return the metrics of all processes. Raises Unavailable if it can't read them in time."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder is None:  # gunicorn.conf.py has not set it: this is the only process
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    with no_fold(Path(folder)):
        return generate_latest(registry)
