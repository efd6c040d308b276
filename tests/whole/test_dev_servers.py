"""The servers that `make run` and these tests start."""

from __future__ import annotations

import socket
import sys

import psutil
import pytest

from dev.service import free_port
from tests.support.eventually import eventually
from tests.support.server_faults import frozen


def lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_killed_postgres_leaves_no_process_behind_even_when_it_was_frozen(postgres_servers):
    server = postgres_servers()
    server.start()
    parent = psutil.Process(server.pid)
    family = [parent, *parent.children(recursive=True)]
    with frozen(server):
        server.kill()

    assert len(family) > 3
    eventually(lambda: not any(lives(process) for process in family))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a port can't be held for a server")
def test_a_free_port_stays_free_for_whoever_was_given_it():
    given = {free_port() for _ in range(20)}

    assert len(given) == 20
    for port in given:
        with pytest.raises(OSError, match="in use"), socket.socket() as another:
            another.bind(("127.0.0.1", port))
        with socket.create_server(("127.0.0.1", port)) as server:
            assert server.getsockname()[1] == port
