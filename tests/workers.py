"""The worker processes of a service, and which of them serves a connection."""

from __future__ import annotations

import socket

import psutil
from eventually import eventually

from dev.service import Service


def workers(service: Service) -> set[int]:
    return {child.pid for child in psutil.Process(service.pid).children()}


def wait_for_workers(service: Service, count: int) -> set[int]:
    """The ids of the workers once there are `count`."""
    eventually(lambda: len(workers(service)) == count)
    return workers(service)


def worker_of(service: Service, client: socket.socket) -> int | None:
    """Which worker has taken the connection of `client`; None while nobody has."""
    for pid in workers(service):
        if any(
            each.raddr == client.getsockname() for each in psutil.Process(pid).net_connections()
        ):
            return pid
    return None
