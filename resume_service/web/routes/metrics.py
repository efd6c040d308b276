"""`/metrics`: the figures of every worker process, in Prometheus' text format."""

from __future__ import annotations

import os

from flask import Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from resume_service.web.messages import Blueprint, services

blp = Blueprint("metrics", __name__, description="Figures for Prometheus.")


@blp.route("/metrics")
@blp.response(200, {"type": "string"}, content_type="text/plain")
@blp.errors(public=True)
def metrics() -> Response:
    """Requests by route and status, Redis latency, saves applied and ignored, archive backlog."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:  # set by gunicorn.conf.py: several processes
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    figures = generate_latest(registry)
    if backlog := services().backlog:
        # Of the archive as a whole, so no sum over processes.
        of_archive = CollectorRegistry()
        of_archive.register(backlog)
        figures += generate_latest(of_archive)
    return Response(figures, content_type=CONTENT_TYPE_LATEST)
