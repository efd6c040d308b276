"""The server classes of `make run` and of these tests."""

from __future__ import annotations

import socket
import sys

import psutil
import pytest

from dev.service import free_port
from tests.support.eventually import eventually
from tests.support.server_faults import frozen


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_frozen_and_killed_postgres_leaves_no_process(postgres_servers):
    server = postgres_servers()
    server.start()
    parent = psutil.Process(server.pid)
    family = [parent, *parent.children(recursive=True)]
    with frozen(server):
        server.kill()

    assert len(family) > 3
    eventually(lambda: not any(is_alive(process) for process in family))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can reserve a port for a server")
def test_free_port_reserves_a_port_that_only_a_server_can_use():
    ports = {free_port() for _ in range(20)}

    assert len(ports) == 20
    for port in ports:
        with pytest.raises(OSError, match="in use"), socket.socket() as another:
            another.bind(("127.0.0.1", port))
        with socket.create_server(("127.0.0.1", port)) as server:
            assert server.getsockname()[1] == port
