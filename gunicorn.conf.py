"""How gunicorn serves the application. `wsgi:app` is checked and loaded once, before any worker."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from gevent import monkey

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""A directory in memory, writable even in a container whose root file system is read-only."""
_OWNER = "RESUME_METRICS_OWNER"


def _metrics_directory() -> str:
    """The directory in which the workers share their figures, empty at every start.

    A reload (HUP) runs this file again in the same process and must keep it; a new process, also
    one that took over the environment of an old one (USR2), begins anew.
    """
    me = str(os.getpid())
    if os.environ.get(_OWNER) != me:
        made = tempfile.mkdtemp(prefix=f"resume-metrics-{me}-", dir=MEMORY)
        os.environ.update({"PROMETHEUS_MULTIPROC_DIR": made, _OWNER: me})
    return os.environ["PROMETHEUS_MULTIPROC_DIR"]


# Before any import takes hold of what blocks. What the master itself waits with stays as it is: its
# signals, its children and its queue; the worker patches that queue for its own use.
monkey.patch_all(os=False, signal=False, queue=False)
# Before the first import of prometheus_client, which looks for the directory only then.
_metrics = _metrics_directory()

from gunicorn.workers.base import Worker  # noqa: E402
from prometheus_client import multiprocess  # noqa: E402

from resume_service.settings import Settings, SettingsError  # noqa: E402
from resume_service.telemetry import logs  # noqa: E402

try:
    _settings = Settings.from_env(os.environ)
except SettingsError as fault:
    shutil.rmtree(_metrics)
    sys.exit(f"resume-service: {fault}")

wsgi_app = "wsgi:app"
preload_app = True  # one load for all workers: they start at once and share its memory
bind = f"0.0.0.0:{_settings.port}"
workers = _settings.web_concurrency or min(os.cpu_count() or 1, 8)
worker_class = "resume_service.server.worker.Worker"
worker_connections = 10_000  # of a process; each costs a few kilobytes while it is idle
worker_tmp_dir = MEMORY
control_socket_disable = True

timeout = 30
graceful_timeout = 30  # what a request under way may still take when the service stops
keepalive = 75  # above nginx's 60 s, so that the proxy is the one to close an idle connection
limit_request_field_size = 16_380  # a token of 10 KB is answered 401 by the service itself

loglevel = _settings.log_level
logconfig_dict = logs.dict_config(_settings.log_level)
accesslog = None  # the service counts every request, and logs each at LOG_LEVEL=debug


def child_exit(_server: object, worker: Worker) -> None:
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(_server: object) -> None:
    shutil.rmtree(_metrics, ignore_errors=True)
