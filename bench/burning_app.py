"""The service with one more route, which takes 5 ms of CPU in Flask. gunicorn loads it."""

from __future__ import annotations

import time

from flask import Response

from bench.workload import BURN_PATH
from wsgi import app

__all__ = ["app"]
BURNED_SECONDS = 0.005


@app.get(BURN_PATH)
def burn() -> Response:
    end = time.thread_time() + BURNED_SECONDS
    while time.thread_time() < end:
        pass
    return Response(status=204)
