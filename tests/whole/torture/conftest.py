"""One service behind a proxy that attacks its replies. Each test ends its faults."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.eventually import eventually
from tests.support.load_clients import Viewer
from tests.support.torture.stack import TortureStack, torture_stack


@pytest.fixture(scope="session")
def shared_torture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TortureStack]:
    with torture_stack(tmp_path_factory.mktemp("torture")) as stack:
        yield stack


@pytest.fixture
def torture(shared_torture: TortureStack) -> Iterator[TortureStack]:
    """A stack without faults, with new connections and an empty Redis."""
    viewer = Viewer(shared_torture.service.port)
    eventually(lambda: viewer.save().status == 204)  # the faults of the last test are over
    shared_torture.redis.client.flushall()
    yield shared_torture
    shared_torture.proxy.clean()
    shared_torture.proxy.release()
    shared_torture.proxy.reset()
