"""The examples of the OpenAPI document are real responses of the service."""

from __future__ import annotations

from functools import partial

import pytest

from tests.support.long_timeouts import long_timeout_app

ids = {"id", "updatedAt"}
"""Fields with another value in each run."""


@pytest.fixture
def examples(client_with, clock):
    """`examples(method, path)`: the example of the successful response of a route."""
    client = client_with(partial(long_timeout_app, clock=clock))
    paths = client.get("/openapi.json").get_json()["paths"]

    def find(method, path):
        content = paths[path][method]["responses"]["200"]["content"]
        return content["application/json"]["example"]

    return find


def constant(value):
    """`value` without the fields that have another value in each run."""
    if isinstance(value, list):
        return [constant(each) for each in value]
    if isinstance(value, dict):
        return {name: constant(each) for name, each in value.items() if name not in ids}
    return value


@pytest.fixture
def harbour(viewer):
    numbers = {"season_number": 1, "duration_seconds": 1500}
    viewer.add("The Harbour: Low Tide", episode_number=1, **numbers)
    viewer.add("The Harbour: Fog", episode_number=2, **numbers)
    return viewer


def save(viewer, position):
    fog = {"duration": 1500, "currentTime": position}
    viewer.watch("The Harbour: Fog", **fog)


def test_the_example_of_continue_is_a_response(harbour, examples):
    save(harbour, 1230.5)
    save(harbour, 20)

    documented = examples("get", "/api/v1/viewing/continue")
    assert constant(harbour.get("continue").get_json()) == constant(documented)


def test_the_example_of_next_up_is_a_response(harbour, examples):
    harbour.watch("The Harbour: Low Tide")

    documented = examples("get", "/api/v1/viewing/next-up")
    assert constant(harbour.get("next-up").get_json()) == constant(documented)


@pytest.mark.parametrize("mark", ["watched", "dismissed"])
def test_the_example_of_a_mark_is_a_response(viewer, examples, mark):
    labels = [f"1x{number}" for number in range(1, 7)]
    viewer.add(*labels)
    viewer.watch(*labels, percent=50)
    for method, undo in (("put", False), ("delete", True)):
        changed = viewer.mark_series(mark, undo=undo)
        assert examples(method, f"/v1/series/{{series_id}}/{mark}") == {"changed": changed}
