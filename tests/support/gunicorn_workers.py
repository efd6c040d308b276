"""The worker processes of a service, and the worker that serves a connection."""

from __future__ import annotations

import contextlib
import socket
import time

import psutil

from dev.service import Service
from tests.support.eventually import eventually


def workers(service: Service) -> set[int]:
    """The process ids of the workers."""
    return {child.pid for child in psutil.Process(service.pid).children()}


def wait_for_workers(service: Service, count: int) -> set[int]:
    """Return the process ids of the workers as soon as there are `count`."""
    eventually(lambda: len(workers(service)) == count)
    return workers(service)


def worker_of(service: Service, client: socket.socket) -> int | None:
    """The process id of the worker that accepted the connection of `client`, or None."""
    for worker in psutil.Process(service.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):  # it may end at any time
            if any(each.raddr == client.getsockname() for each in worker.net_connections()):
                return worker.pid
    return None


def wait_for_metrics() -> None:
    """Wait until each process has written its sums, which it does every 50 ms."""
    time.sleep(0.2)
