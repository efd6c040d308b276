"""Runs the worker until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading

import structlog
from prometheus_client import CollectorRegistry

from resume_service.accounts.maintenance import run_maintenance
from resume_service.archive.cycle import ArchiveCycle
from resume_service.archive.metrics import BacklogCollector, WorkerMetrics
from resume_service.clock import system_clock
from resume_service.lessons.video_completions import VideoCompletions
from resume_service.postgres.database import Database
from resume_service.settings import Settings, SettingsError
from resume_service.telemetry import logs
from resume_service.worker import daily, status_server
from resume_service.worker.daily import Daily
from resume_service.worker.loop import Loop

_log = structlog.get_logger("resume_service.worker")


def main() -> int:
    """Run the worker. Returns the exit status. Raises SettingsError if a setting is invalid."""
    settings = Settings.from_env(os.environ)
    logs.configure(settings.log_level)
    if settings.database_url is None:
        _log.warning("DATABASE_URL is not set: there is no archive, and nothing to do")
        return 0
    archive, registry = ArchiveCycle.of(settings, system_clock), CollectorRegistry()
    registry.register(BacklogCollector(archive.backlog, system_clock))
    completions = VideoCompletions.at(settings.database_url, system_clock)
    loop = Loop(archive, WorkerMetrics(registry), settings.flush_interval_seconds, completions.run)
    database = Database(settings.database_url, timeout=daily.TIMEOUT_SECONDS)
    Daily(lambda now: run_maintenance(database, now)).add_to(loop.scheduler)
    try:
        server = status_server.serve(_host(), settings.worker_port, registry)
    except OSError as fault:
        _log.error("WORKER_PORT can't be used", port=settings.worker_port, fault=str(fault))
        return 1
    _log.info("metrics are served", port=settings.worker_port)
    _run(loop)
    completions.close()
    database.close()
    server.shutdown()
    return 0


def _host() -> str:
    parser = argparse.ArgumentParser(prog="python -m resume_service.worker")
    parser.add_argument("--host", default="0.0.0.0", help="address of /metrics and /healthz")  # noqa: S104 - all addresses, as in gunicorn.conf.py
    return str(parser.parse_args().host)


def _run(loop: Loop) -> None:
    stop_requested = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop_requested.set())
    loop.start()
    stop_requested.wait()
    loop.stop()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SettingsError as fault:
        sys.exit(f"resume-service: {fault}")
