"""Another program has written to the keys of points: a read, a list and a flush leave it out."""

from __future__ import annotations

import pytest

from tests.support.archive_stores import NO_ENTRIES
from tests.support.tokens import bearer

NOON_TEXT = "2026-11-20T12:00:00.000Z"
VALID = {"currentTime": "60", "updatedAt": NOON_TEXT}
FOREIGN = {
    "no updatedAt": {"currentTime": "60"},
    "no currentTime": {"updatedAt": NOON_TEXT},
    "empty currentTime": VALID | {"currentTime": ""},
    "currentTime is a word": VALID | {"currentTime": "soon"},
    "currentTime is nan": VALID | {"currentTime": "nan"},
    "currentTime is infinite": VALID | {"currentTime": "1e999"},
    "empty updatedAt": VALID | {"updatedAt": ""},
    "updatedAt is a word": VALID | {"updatedAt": "yesterday"},
    "updatedAt is infinite": VALID | {"updatedAt": "infinity"},
    "updatedAt is a number": VALID | {"updatedAt": "1795176000"},
    "updatedAt without a zone": VALID | {"updatedAt": "2026-11-20T12:00:00"},
    "updatedAt before the year 1": VALID | {"updatedAt": "0001-01-01T00:00:00+23:59"},
    "duration is a word": VALID | {"duration": "long"},
    "duration is nan": VALID | {"duration": "nan"},
    "percent is a word": VALID | {"percent": "half"},
    "percent is infinite": VALID | {"percent": "-inf"},
    "no UTF-8": {b"currentTime": b"\xff\xfe", b"updatedAt": b"\xff"},
}
OTHER_TYPES = {
    "string": lambda redis, key: redis.set(key, "60"),
    "list": lambda redis, key: redis.rpush(key, "60"),
    "set": lambda redis, key: redis.sadd(key, "60"),
    "sorted set": lambda redis, key: redis.zadd(key, {"60": 1}),
    "stream": lambda redis, key: redis.xadd(key, {"currentTime": "60"}),
}
WRITERS = {
    name: lambda redis, key, fields=fields: redis.hset(key, mapping=fields)
    for name, fields in FOREIGN.items()
} | OTHER_TYPES
every_writer = pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)


def replaced(redis, write, key="resume:ann:bad"):
    redis.delete(key)
    write(redis, key)


def in_both_lanes(client, path):
    """The responses of the fast lane, and of Flask, which answers paths with an escape."""
    return [
        client.get(each, headers=bearer("ann")) for each in (path, path.replace("ann", "%61nn", 1))
    ]


@every_writer
def test_a_read_is_404_and_a_list_has_the_other_points(client, player, write, real_redis, logged):
    for video in ("first", "bad", "last"):
        assert player.save(tmdbId=video).status_code == 204
    replaced(real_redis, write)
    logged.clear()

    assert {each.status_code for each in in_both_lanes(client, "/api/progress/ann/bad")} == {404}
    assert sum("resume:ann:bad" in line for line in logged) == 2
    for query in ("", "?limit=2", "?status=in-progress"):
        for answer in in_both_lanes(client, f"/api/progress/ann{query}"):
            assert answer.status_code == 200
            assert {point["tmdbId"] for point in answer.json} == {"first", "last"}
    assert client.get("/api/progress/ann?status=watched", headers=bearer("ann")).json == []
    assert sum("resume:ann:bad" in line for line in logged) >= 2 + 6 + 1
    assert all("warning" in line for line in logged if "resume:ann:bad" in line)


@every_writer
def test_the_two_catalogue_apis_show_no_point(api, write, real_redis):
    replaced(real_redis, write, "resume:ann:1")

    assert api.read_rate()["progress_rate"] == 0
    assert api.read_playback()["position_seconds"] == 0


def test_no_page_of_a_list_ends_early(client, player, clock, real_redis):
    for number in range(12):
        clock.forward(seconds=1)
        player.save(tmdbId=f"v{number}")
    for number in (11, 10, 7, 6, 5, 0):
        replaced(real_redis, WRITERS["no updatedAt"], f"resume:ann:v{number}")
    replaced(real_redis, WRITERS["string"], "resume:ann:v4")

    seen, url = [], "/api/progress/ann?limit=2"
    while url:
        answer = client.get(url, headers=bearer("ann"))
        seen += [point["tmdbId"] for point in answer.json]
        link = answer.headers.get("Link")
        url = link and link[1 : link.index(">")]
    assert seen == ["v9", "v8", "v3", "v2", "v1"]


def test_a_deletion_removes_a_foreign_hash(player, client, real_redis):
    player.save(tmdbId="bad")
    for write in WRITERS.values():
        replaced(real_redis, write)

        assert player.delete("bad").status_code == 204
        assert real_redis.exists("resume:ann:bad") == 0


def test_a_save_replaces_a_foreign_hash(api, real_redis):
    for fields in FOREIGN.values():
        replaced(
            real_redis,
            lambda redis, key, fields=fields: redis.hset(key, mapping=fields),
            "resume:ann:1",
        )

        assert api.save_rate(5).get_json()["progress_rate"] == 5
        assert api.read_rate()["progress_rate"] == 5


@every_writer
def test_a_flush_archives_the_other_points_and_forgets_the_entry(stores, write, logged):
    for video in ("first", "bad", "last"):
        stores.save(video)
    replaced(stores.redis, write)

    assert stores.cycle().archived == 2
    assert {video for _, video in stores.rows()} == {"first", "last"}
    assert stores.entries() == NO_ENTRIES
    assert sum("not a point" in line and "resume:ann:bad" in line for line in logged) == 1


@pytest.mark.parametrize("field", ["watchedAt", "completedAt"])
@pytest.mark.parametrize("moment", ["infinity", "now", "soon", "2026-11-20T12:00:00"])
def test_an_invalid_first_time_does_not_reach_the_archive(stores, field, moment):
    stores.save("good")
    stores.save("bad", duration=100)
    stores.redis.hset("resume:ann:bad", field, moment)

    stores.cycle()
    assert {video for _, video in stores.rows()} == {"good"}
    assert stores.entries() == NO_ENTRIES


ENTRIES = ["", ":", "ann", "ann:", ":v", "a b:v", "ann:a/b", "ann:\0", f"ann:{'v' * 129}"]
ENTRIES += [b"ann:\xff", b"\xff:v", "ann:good", "ann:a:b", "ann:a%3Ab"]


@pytest.mark.parametrize("kind", ["dirty", "erased"])
def test_a_foreign_entry_of_the_backlog_does_not_block_it(stores, kind):
    stores.save("good")
    stores.save("a:b")
    for key in ("resume::", "resume:ann", "resume::v", "resume:ann:", "resume:ann:a:b"):
        stores.redis.hset(key, mapping=VALID)
    stores.redis.hset("resume:ann:\0", mapping=VALID)
    for entry in ENTRIES:
        stores.redis.zadd(f"archive:{kind}", {entry: 1})

    stores.cycle()
    assert stores.entries() == NO_ENTRIES
    assert {video for _, video in stores.rows()} == {"good", "a:b"}


@every_writer
def test_a_restore_passes_over_a_foreign_key(stores, write):
    for video in ("first", "bad", "last"):
        stores.save(video)
    stores.cycle()
    stores.redis.flushall()
    write(stores.redis, "resume:ann:bad")

    assert stores.archive.cycle().restored >= 2
    assert stores.get("first")
    assert stores.get("last")
    assert stores.archive.backlog.restored()
