"""Triggers store the number of videos of each list. It always equals the count of the rows."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from resume_service.postgres import migrate
from resume_service.postgres.database import Database
from tests.support.fixtures.companies import SERVICE
from tests.support.recorded_sql import statements_of

OFFERED = "published AND deleted_at IS NULL"


def stored_counts(sql):
    """The stored numbers of each list that has videos: offered, and all."""
    query = (
        "SELECT list, sum(offered)::int, sum(stored)::int FROM video_counts GROUP BY list"
        " HAVING sum(stored) <> 0 OR sum(offered) <> 0"
    )
    return {number: counts for number, *counts in sql.execute(query)}


def real_counts(sql):
    """The same numbers, counted."""
    counts = f"count(*) FILTER (WHERE {OFFERED})::int, count(*)::int FROM videos"
    query = (
        f"SELECT 0, {counts} HAVING count(*) > 0 UNION ALL"
        f" SELECT corporation_id, {counts} WHERE corporation_id IS NOT NULL GROUP BY 1"
    )
    return {number: counts for number, *counts in sql.execute(query)}


def total(client, path, headers=None):
    return int(client.get(path, headers=headers or {}).headers["X-Total-Count"])


def totals(client, company):
    """The totals of the public list, of the company's list for its guests and for its admins."""
    path = f"/v1/videos/{company.id}"
    return (
        total(client, "/v1/videos"),
        total(client, path, company.guest),
        total(client, path, company.admin),
    )


def test_the_total_of_each_list_follows_every_change_of_a_video(
    app_client, sql, acme, umbra, create_video
):
    create_video(umbra.id), create_video(None)
    seen = [totals(app_client, acme)]
    body = {"name": "Film", "file_path": "film.mp4"}
    made = app_client.post("/v1/videos", json=body, headers=acme.admin).get_json()
    path = f"/v1/videos/{made['id']}"
    seen.append(totals(app_client, acme))
    for method, route, change in (
        ("PUT", path, {"published": False}), ("PUT", path, {"published": True}),
        ("PUT", path, {"name": "Film 2"}), ("DELETE", path, None), ("PUT", f"{path}/restore", None),
    ):  # fmt: skip
        answer = app_client.open(route, method=method, json=change, headers=acme.admin)
        assert answer.status_code in (200, 204)
        seen.append(totals(app_client, acme))

    assert seen == [
        (2, 0, 0), (3, 1, 1), (2, 0, 1), (3, 1, 1), (3, 1, 1), (2, 0, 1), (3, 1, 1),
    ]  # fmt: skip
    assert stored_counts(sql) == real_counts(sql)


def test_deleting_a_company_takes_its_videos_off_every_list(app_client, acme, umbra, create_video):
    for company in (acme.id, acme.id, umbra.id):
        create_video(company)
    app_client.delete(f"/v1/corporations/{acme.id}", headers=acme.admin)

    assert totals(app_client, umbra) == (1, 1, 1)
    assert total(app_client, f"/v1/videos/{acme.id}", umbra.guest) == 0
    assert total(app_client, f"/v1/videos/{acme.id}", SERVICE) == 2


def test_sql_that_moves_removes_or_truncates_videos_is_counted(sql, acme, umbra, create_video):
    """The previous version of the service is such a writer, too."""
    for company in (acme.id, acme.id, umbra.id, None):
        create_video(company)
    mixed = (
        "INSERT INTO videos (name, kind, published, file_path, corporation_id) SELECT 'v', 'video',"
        f" n % 3 > 0, 'f', nullif({acme.id}, n % 2) FROM generate_series(1, 9) n"
    )
    for statement in (
        f"UPDATE videos SET corporation_id = {umbra.id} WHERE corporation_id = {acme.id}",
        "UPDATE videos SET corporation_id = NULL",
        "UPDATE videos SET published = false, deleted_at = now()",
        "DELETE FROM videos WHERE id = (SELECT min(id) FROM videos)",
        mixed,
        "DELETE FROM videos WHERE id < 0",
        "TRUNCATE videos CASCADE",
    ):
        sql.execute(statement)
        assert stored_counts(sql) == real_counts(sql), statement

    assert stored_counts(sql) == {}


def test_a_rolled_back_write_is_not_counted(sql, acme, create_video):
    create_video(acme.id)
    before = stored_counts(sql)
    with sql.transaction(force_rollback=True):
        create_video(acme.id)
        assert stored_counts(sql) != before

    assert stored_counts(sql) == before == {0: [1, 1], acme.id: [1, 1]}


def test_many_writes_leave_few_rows_to_add_up(sql, acme, create_video):
    for _ in range(350):
        create_video(acme.id)
    rows = sql.execute("SELECT list, count(*) FROM video_counts GROUP BY list").fetchall()

    assert dict(rows).keys() == {0, acme.id}
    assert max(count for _, count in rows) <= 100
    assert stored_counts(sql) == real_counts(sql)


def test_an_open_transaction_delays_no_write_to_other_videos(
    emptied_database, sql, acme, umbra, create_video
):
    """Even if it holds rows of the counts, because it has just replaced them by their sum."""
    for _ in range(50):
        create_video(acme.id)
    with psycopg.connect(emptied_database) as other, other.transaction(force_rollback=True):
        for _ in range(150):
            other.execute(
                "INSERT INTO videos (name, kind, published, file_path, corporation_id)"
                " VALUES ('v', 'video', true, 'f', %s)",
                (acme.id,),
            )
        sql.execute("SET lock_timeout = '5s'")
        for _ in range(250):
            create_video(umbra.id), create_video(acme.id)
        assert stored_counts(sql) == {0: [550] * 2, acme.id: [300] * 2, umbra.id: [250] * 2}

    assert stored_counts(sql) == real_counts(sql)


@pytest.mark.soak
def test_concurrent_writers_and_rollbacks_keep_the_counts_right(
    emptied_database, sql, acme, umbra, effort
):
    writes = effort(150, 3_000)

    def write(seed):
        chance = random.Random(seed)
        with psycopg.connect(emptied_database, autocommit=True) as own:
            for _ in range(writes):
                company = chance.choice([acme.id, umbra.id, None])
                with own.transaction(force_rollback=chance.random() < 0.2):
                    own.execute(
                        "INSERT INTO videos (name, kind, published, file_path, corporation_id)"
                        " VALUES ('v', 'video', %s, 'f', %s)",
                        (chance.random() < 0.7, company),
                    )
                change = chance.choice(["published = NOT published", "deleted_at = now()"])
                with own.transaction(force_rollback=chance.random() < 0.2):
                    own.execute(
                        f"UPDATE videos SET {change} WHERE id = (SELECT id FROM videos"
                        " ORDER BY random() LIMIT 1 FOR UPDATE SKIP LOCKED)"
                    )

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))

    assert stored_counts(sql) == real_counts(sql)
    [[rows]] = sql.execute("SELECT count(*) FROM video_counts").fetchall()
    assert rows < 600


def test_a_page_of_videos_counts_no_videos(app_client, acme, create_video):
    create_video(acme.id)
    database = app_client.application.extensions["resume_service"].get(Database)
    with statements_of(database) as statements:
        totals(app_client, acme)

    assert not [text for text, _ in statements if "count(*)" in text.lower()]


def test_a_migration_counts_the_videos_that_exist_and_those_written_during_it(database):
    """The previous version writes while the migration runs."""
    migrate.downgrade(database, "0005")
    insert = (
        "INSERT INTO videos (name, kind, published, file_path)"
        " SELECT 'v', 'video', n %% 2 = 0, 'f' FROM generate_series(1, %s) n"
    )
    stop = threading.Event()

    def write():
        with psycopg.connect(database, autocommit=True) as own:
            while not stop.is_set():
                own.execute(insert, (2,))

    with psycopg.connect(database, autocommit=True) as sql, ThreadPoolExecutor(1) as pool:
        sql.execute(insert, (1001,))
        writer = pool.submit(write)
        migrate.upgrade(database)
        stop.set()
        writer.result()

        assert real_counts(sql)[0][1] > 1001
        assert stored_counts(sql) == real_counts(sql)


def test_recount_videos_repairs_wrong_counts(sql, acme, create_video):
    """For example after a restore of rows without triggers."""
    create_video(acme.id), create_video(None)
    sql.execute("UPDATE video_counts SET stored = stored + 5, offered = 0")
    sql.execute("SELECT recount_videos()")

    assert stored_counts(sql) == real_counts(sql) == {0: [2, 2], acme.id: [1, 1]}
