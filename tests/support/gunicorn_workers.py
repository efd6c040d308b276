"""The worker processes of a service, and which of them serves a connection."""

from __future__ import annotations

import contextlib
import socket

import psutil

from dev.service import Service
from tests.support.eventually import eventually


def workers(service: Service) -> set[int]:
    return {child.pid for child in psutil.Process(service.pid).children()}


def wait_for_workers(service: Service, count: int) -> set[int]:
    """The ids of the workers once there are `count`."""
    eventually(lambda: len(workers(service)) == count)
    return workers(service)


def worker_of(service: Service, client: socket.socket) -> int | None:
    """Which worker has taken the connection of `client`; None while nobody has."""
    for worker in psutil.Process(service.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):  # it may end at any time
            if any(each.raddr == client.getsockname() for each in worker.net_connections()):
                return worker.pid
    return None
