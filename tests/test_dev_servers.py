"""The servers that `make run` and these tests start."""

from __future__ import annotations

import psutil
from eventually import eventually
from server_breakages import frozen


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
