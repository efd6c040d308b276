"""Settings of gunicorn. gunicorn loads `wsgi:app` once, before it starts the workers."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from gevent import monkey

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""A directory in memory. It is writable even if the container's root file system is read-only."""
_OWNER = "RESUME_METRICS_OWNER"


def _metrics_directory() -> str:
    """Return the directory in which the workers share their metrics.

    A reload (HUP) runs this file again in the same process and keeps the directory. A new process
    creates an empty one, even if it inherited the environment of an old process (USR2).
    """
    pid = str(os.getpid())
    if os.environ.get(_OWNER) != pid:
        directory = tempfile.mkdtemp(prefix=f"resume-metrics-{pid}-", dir=MEMORY)
        os.environ.update({"PROMETHEUS_MULTIPROC_DIR": directory, _OWNER: pid})
    return os.environ["PROMETHEUS_MULTIPROC_DIR"]


# Patch before other imports copy blocking functions. The master needs the original functions for
# its signals, its child processes and its queue. Each worker patches the queue in `Worker.patch`.
monkey.patch_all(os=False, signal=False, queue=False)
# prometheus_client reads the directory from the environment when it is first imported.
_shared_metrics = _metrics_directory()

from gunicorn.workers.base import Worker  # noqa: E402
from prometheus_client import multiprocess  # noqa: E402

from resume_service.settings import Settings, SettingsError  # noqa: E402
from resume_service.telemetry import logs  # noqa: E402

try:
    _settings = Settings.from_env(os.environ)
except SettingsError as error:
    shutil.rmtree(_shared_metrics)
    sys.exit(f"resume-service: {error}")

wsgi_app = "wsgi:app"
preload_app = True  # load once for all workers: they start fast and share memory
bind = f"0.0.0.0:{_settings.port}"
workers = _settings.web_concurrency or min(os.cpu_count() or 1, 8)
worker_class = "resume_service.server.worker.Worker"
worker_connections = 10_000  # per process; an idle connection costs a few kilobytes
worker_tmp_dir = MEMORY
control_socket_disable = True

timeout = 30
graceful_timeout = 30  # seconds for running requests when the service stops
keepalive = 75  # above nginx's 60 s, so that nginx closes an idle connection first
limit_request_field_size = 16_380  # bytes: the service itself rejects a token of 10 KB with 401

loglevel = _settings.log_level
logconfig_dict = logs.dict_config(_settings.log_level)
accesslog = None  # the metrics count each request, and LOG_LEVEL=debug logs it


def child_exit(_server: object, worker: Worker) -> None:
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(_server: object) -> None:
    shutil.rmtree(_shared_metrics, ignore_errors=True)
