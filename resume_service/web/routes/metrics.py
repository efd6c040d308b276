"""`/metrics`: the metrics of all worker processes, in the text format of Prometheus."""

from __future__ import annotations

import os

from flask import Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from resume_service.telemetry.metrics import SharedCollectors
from resume_service.web.blueprint import Blueprint
from resume_service.web.services import services

blp = Blueprint("metrics", __name__, description="Metrics for Prometheus.")


@blp.route("/metrics")
@blp.response(200, {"type": "string"}, content_type="text/plain")
@blp.errors(public=True)
def metrics() -> Response:
    """Requests by route and status, Redis latency, saves applied and ignored, archive backlog."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:  # set by gunicorn.conf.py: several processes
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    text = generate_latest(registry)
    if shared := services().find(SharedCollectors):
        # All processes share these values: a sum over the processes would be wrong.
        shared_registry = CollectorRegistry()
        for collector in shared.collectors:
            shared_registry.register(collector)
        text += generate_latest(shared_registry)
    return Response(text, content_type=CONTENT_TYPE_LATEST)
