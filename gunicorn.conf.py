"""Settings of gunicorn.

The master process loads `wsgi:app` once, then forks the worker processes.
"""

import gc
import os
import shutil
import sys
import tempfile
from pathlib import Path

from gevent import monkey

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""A directory in memory, if the host has one.

It is writable even if the root file system of the container is read-only.
"""
_OWNER = "RESUME_METRICS_OWNER"
"""Environment variable with the id of the process that created the directory of the metrics."""


def _metrics_directory() -> Path:
    """Return the directory in which the workers share their metrics. Create it if necessary.

    On the signal HUP, gunicorn runs this file again in the same process. Then the process uses the
    same directory again. On the signal USR2, gunicorn starts a new process. The new process
    inherits the environment of the old process. But the new process must not use the old directory,
    so it creates a new one.
    """
    pid = str(os.getpid())
    if os.environ.get(_OWNER) != pid:
        directory = tempfile.mkdtemp(prefix=f"resume-metrics-{pid}-", dir=MEMORY)
        os.environ.update({"PROMETHEUS_MULTIPROC_DIR": directory, _OWNER: pid})
    return Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])


# Patch first: modules that are imported later may copy the blocking functions. Do not patch `os`,
# `signal` and `queue`: the master needs the original functions of these modules. Each worker
# patches `queue` in `Worker.patch`.
monkey.patch_all(os=False, signal=False, queue=False)
# Set PROMETHEUS_MULTIPROC_DIR before the import: prometheus_client reads it when it is imported.
_shared_metrics = _metrics_directory()

import structlog  # noqa: E402
from gunicorn.arbiter import Arbiter  # noqa: E402
from gunicorn.workers.base import Worker  # noqa: E402
from prometheus_client import multiprocess  # noqa: E402

from resume_service.server import limits  # noqa: E402
from resume_service.settings import Settings, SettingsError  # noqa: E402
from resume_service.telemetry import logs, metrics_folder  # noqa: E402

metrics_folder.hold(_shared_metrics)
metrics_folder.remove_abandoned(_shared_metrics.parent)

try:
    _settings = Settings.from_env(os.environ)
except SettingsError as error:
    shutil.rmtree(_shared_metrics)
    sys.exit(f"resume-service: {error}")

limits.raise_file_limit()

wsgi_app = "wsgi:app"
preload_app = True  # load the application before the fork: workers start faster and share memory
bind = f"0.0.0.0:{_settings.port}"
workers = _settings.web_concurrency or min(os.cpu_count() or 1, 8)
worker_class = "resume_service.server.worker.Worker"
worker_tmp_dir = MEMORY
control_socket_disable = True

timeout = 30
graceful_timeout = 30  # seconds that running requests may still take after a stop signal
keepalive = limits.IDLE_SECONDS
limit_request_line = limits.MAX_REQUEST_LINE
limit_request_fields = limits.MAX_FIELDS
limit_request_field_size = limits.MAX_FIELD
backlog = limits.MAX_BACKLOG

loglevel = _settings.log_level
logconfig_dict = logs.dict_config(_settings.log_level)
accesslog = None  # not needed: the metrics include each request, and LOG_LEVEL=debug logs it


def child_exit(server: Arbiter, worker: Worker) -> None:
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
    metrics_folder.add_dead(worker.pid)
    _fold(server)


def pre_fork(server: Arbiter, _worker: Worker) -> None:
    # Exclude the objects of the loaded application from garbage collection. Otherwise each full
    # collection stops a worker for 70 ms.
    gc.freeze()
    _fold(server)  # again, because a scrape may have prevented it in child_exit


def _fold(server: Arbiter) -> None:
    try:
        metrics_folder.fold(_shared_metrics, server.WORKERS)
    except Exception as fault:  # noqa: BLE001 - an error in a hook would end the master
        structlog.get_logger(__name__).warning("metrics not folded", fault=repr(fault))


def on_exit(_server: object) -> None:
    shutil.rmtree(_shared_metrics, ignore_errors=True)
