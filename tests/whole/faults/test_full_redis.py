"""A Redis without memory refuses saves as a whole. It still reads and deletes."""

from __future__ import annotations

from datetime import UTC, datetime

from resume_service.clock import epoch_ms
from resume_service.resume.model import EventType, Mark, Measurement
from tests.support.eventually import eventually
from tests.support.redis_faults import full
from tests.support.resume_stores import resume_store

FREE_BYTES = 30_000
"""Memory for some saves, but not for as many points as a user may have."""
MOST_SAVES = 500
"""After so many saves the test sets the limit to 1 byte: Redis may have freed its own buffers."""


def index_matches_hashes(client, user: str) -> bool:
    hashes = {key.rpartition(":")[2] for key in client.scan_iter(f"resume:{user}:*")}
    return hashes == set(client.zrange(f"recent:{user}", 0, -1))


def test_a_redis_that_fills_up_stores_no_save_partially(each_stack):
    client, viewer = each_stack.redis.client, each_stack.viewer()
    client.config_set("maxmemory", client.info("memory")["used_memory"] + FREE_BYTES)

    saved: list[str] = []
    while (status := viewer.save(f"v{len(saved)}", duration=10).status) == 204:
        saved.append(f"v{len(saved)}")
        if len(saved) == MOST_SAVES:
            client.config_set("maxmemory", 1)
    listed = viewer.list()
    client.config_set("maxmemory", 0)

    assert status == 503
    assert sorted(point["tmdbId"] for point in listed.json) == sorted(saved)
    assert index_matches_hashes(client, "ann")


def test_deletes_succeed_on_a_full_redis_and_free_memory(each_stack):
    viewer = each_stack.viewer()
    viewer.save("old")
    viewer.save("deleted")

    with full(each_stack.redis):
        refused = viewer.save("new")
        deleted = viewer.delete("deleted")
        missing = viewer.read("deleted")

    assert [refused.status, deleted.status, missing.status] == [503, 204, 404]
    assert index_matches_hashes(each_stack.redis.client, "ann")
    eventually(lambda: viewer.save("new").status == 204, within=2)


def test_a_delete_on_a_full_redis_adds_the_point_to_the_backlog(each_stack):
    """One script deletes the point and adds the entry. Without it, the row in Postgres would stay."""
    now = datetime.now(UTC)
    client = each_stack.redis.client
    points = resume_store(client, archive=True)
    points.save(Measurement(user_id="ann", video_id="v", position=1, arrived_ms=epoch_ms(now)))

    with full(each_stack.redis):
        points.delete(Mark("ann", "v", epoch_ms(now), EventType.DELETE))

    assert set(client.scan_iter()) == {"archive:erased", "deleted:ann"}
    assert client.zrange("archive:erased", 0, -1) == ["ann:v"]
