"""A Redis without room refuses saves whole, and still reads and deletes."""

from __future__ import annotations

from datetime import UTC, datetime

from resume_service.resume.model import Measurement
from tests.support.eventually import eventually
from tests.support.redis_faults import full
from tests.support.resume_stores import resume_store

ROOM = 30_000
"""Bytes: for some saves, fewer than a user may hold points."""
PATIENCE = 500
"""Saves after which there is no room at all: Redis may free buffers of its own meanwhile."""


def is_whole(client, user: str) -> bool:
    """Whether index and hashes name the same videos."""
    hashes = {key.rpartition(":")[2] for key in client.scan_iter(f"resume:{user}:*")}
    return hashes == set(client.zrange(f"recent:{user}", 0, -1))


def test_a_redis_that_fills_up_holds_each_save_whole_or_not_at_all(calm):
    client, viewer = calm.redis.client, calm.viewer()
    client.config_set("maxmemory", client.info("memory")["used_memory"] + ROOM)

    saved: list[str] = []
    while (status := viewer.save(f"v{len(saved)}", duration=10).status) == 204:
        saved.append(f"v{len(saved)}")
        if len(saved) == PATIENCE:
            client.config_set("maxmemory", 1)
    listed = viewer.list()
    client.config_set("maxmemory", 0)

    assert status == 503
    assert sorted(point["tmdbId"] for point in listed.json) == sorted(saved)
    assert is_whole(client, "ann")


def test_points_are_deleted_while_redis_is_full_and_that_makes_room(calm):
    viewer = calm.viewer()
    viewer.save("kept")
    viewer.save("gone")

    with full(calm.redis):
        refused = viewer.save("new")
        deleted = viewer.delete("gone")
        missing = viewer.read("gone")

    assert [refused.status, deleted.status, missing.status] == [503, 204, 404]
    assert is_whole(calm.redis.client, "ann")
    eventually(lambda: viewer.save("new").status == 204, within=2)


def test_a_delete_on_a_full_redis_still_leaves_its_mark_for_the_archive(calm):
    """The mark is written by the same script, after the delete: half of it would keep the row."""
    now = datetime.now(UTC)
    client = calm.redis.client
    points = resume_store(client, archive=True)
    points.save(Measurement(user_id="ann", video_id="v", position=1, measured_at=now))

    with full(calm.redis):
        points.delete("ann", "v", now)

    assert list(client.scan_iter()) == ["archive:erased"]
    assert client.zrange("archive:erased", 0, -1) == ["ann:v"]
