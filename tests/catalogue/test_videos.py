"""Videos of the catalogue: create, list, update, delete and restore."""

from __future__ import annotations

import pytest

from resume_service.postgres.database import Database
from tests.support.fixtures.companies import SERVICE, UNKNOWN_ID
from tests.support.recorded_sql import statements_of

EPISODE = {
    "name": "The Harbour", "kind": "episode", "file_path": "films/harbour.mp4",
    "duration_seconds": 1500.5, "published": False,
    "series_id": 7, "season_number": 1, "episode_number": 2,
    "files": [{"quality": "720p", "file_path": "films/720.mp4"},
              {"quality": "1080p", "file_path": "films/1080.mp4"}],
}  # fmt: skip


def create(client, headers, **body):
    return client.post(
        "/v1/videos", json={"name": "F", "file_path": "f.mp4"} | body, headers=headers
    )


def ids(answer):
    return [video["id"] for video in answer.get_json()]


def test_a_created_video_has_the_given_fields(app_client, acme):
    made = create(app_client, acme.admin, **EPISODE)
    video = made.get_json()

    assert made.status_code == 201
    assert {name: video[name] for name in EPISODE if name != "files"} == {
        name: value for name, value in EPISODE.items() if name != "files"
    }
    assert sorted(map(str, video["files"])) == sorted(map(str, EPISODE["files"]))
    assert (video["corporation_id"], video["deleted"]) == (acme.id, False)


def test_by_default_a_video_is_published_and_of_kind_video(app_client, acme):
    video = create(app_client, acme.admin).get_json()

    assert (video["kind"], video["published"], video["duration_seconds"]) == ("video", True, None)


def test_a_service_creates_public_videos_and_videos_of_any_company(app_client, acme):
    public = create(app_client, SERVICE, corporation_id=None)
    acmes = create(app_client, SERVICE, corporation_id=acme.id)

    assert public.get_json()["corporation_id"] is None
    assert acmes.get_json()["corporation_id"] == acme.id
    assert create(app_client, SERVICE).status_code == 422
    assert create(app_client, SERVICE, corporation_id=UNKNOWN_ID).status_code == 404


def test_an_admin_cannot_change_public_or_foreign_videos(app_client, acme, umbra, create_video):
    theirs, public = create_video(umbra.id), create_video(None)

    assert create(app_client, acme.admin, corporation_id=umbra.id).status_code == 403
    assert create(app_client, acme.admin, corporation_id=None).status_code == 403
    for video in (theirs, public):
        path = f"/v1/videos/{video}"
        assert app_client.put(path, json={"name": "x"}, headers=acme.admin).status_code == 403
        assert app_client.delete(path, headers=acme.admin).status_code == 403
        assert app_client.put(f"{path}/restore", headers=acme.admin).status_code == 403
    assert (
        app_client.put(f"/v1/videos/{public}", json={"name": "x"}, headers=SERVICE).status_code
        == 200
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("name", "x" * 201), ("name", 5), ("kind", "series"), ("kind", None),
     ("file_path", ""), ("file_path", None), ("file_path", "x" * 2001),
     ("duration_seconds", 0), ("duration_seconds", -1), ("duration_seconds", "9"),
     ("duration_seconds", True), ("duration_seconds", 1e9),
     ("published", "true"), ("published", 1), ("published", None),
     ("series_id", 0), ("season_number", -1), ("episode_number", 1.5), ("episode_number", "1"),
     ("files", {}), ("files", [1]), ("files", [{}]), ("files", [{"quality": "1", "file_path": ""}]),
     ("files", [{"quality": "1", "file_path": "a"}] * 2),
     ("files", [{"quality": str(n), "file_path": "a"} for n in range(21)])],
)  # fmt: skip
def test_an_invalid_field_is_422_and_named(app_client, acme, field, value):
    answer = create(app_client, acme.admin, **{field: value})

    assert answer.status_code == 422
    assert list(answer.get_json()["details"]) == [field]


def test_only_the_companys_admins_and_services_see_file_paths(
    app_client, acme, umbra, create_video
):
    video = create_video(acme.id)
    callers = {"anonymous": {}, "guest": acme.guest, "admin": acme.admin}
    callers |= {"foreign": umbra.admin, "service": SERVICE}

    for path in (f"/v1/videos/id/{video}", "/v1/videos", f"/v1/videos/{acme.id}"):
        shown = {}
        for name, headers in callers.items():
            if name == "anonymous" and path == f"/v1/videos/{acme.id}":
                continue
            answer = app_client.get(path, headers=headers).get_json()
            one = answer[0] if isinstance(answer, list) else answer
            shown[name] = ("file_path" in one, "files" in one)
        expected = {name: (name in ("admin", "service"),) * 2 for name in shown}
        assert shown == expected, path


def test_only_the_companys_admins_see_unpublished_and_deleted_videos(
    app_client, sql, acme, umbra, create_video
):
    shown, hidden, gone = (
        create_video(acme.id),
        create_video(acme.id, published=False),
        create_video(acme.id),
    )
    sql.execute("UPDATE videos SET deleted_at = now() WHERE id = %s", (gone,))
    listed, company = "/v1/videos", f"/v1/videos/{acme.id}"

    for headers in ({}, acme.guest, umbra.admin):
        assert ids(app_client.get(listed, headers=headers)) == [shown]
        for video in (hidden, gone):
            assert app_client.get(f"/v1/videos/id/{video}", headers=headers).status_code == 404
    assert ids(app_client.get(company, headers=umbra.admin)) == [shown]
    assert ids(app_client.get(company, headers=acme.guest)) == [shown]
    assert ids(app_client.get(company, headers=acme.admin)) == [shown, hidden, gone]
    assert ids(app_client.get(listed, headers=acme.admin)) == [shown]
    assert app_client.get(f"/v1/videos/id/{gone}", headers=acme.admin).get_json()["deleted"] is True


def test_a_broken_token_on_a_public_route_is_ignored(app_client, acme, create_video):
    path = f"/v1/videos/id/{create_video(acme.id)}"
    broken = {"Authorization": "Bearer broken"}

    assert app_client.get(path, headers=broken).get_json() == app_client.get(path).get_json()


def test_an_update_changes_only_the_given_fields_and_replaces_all_files(app_client, acme):
    made = create(app_client, acme.admin, **EPISODE).get_json()
    path = f"/v1/videos/{made['id']}"
    published = app_client.put(path, json={"published": True}, headers=acme.admin).get_json()
    files = [{"quality": "4K", "file_path": "films/4k.mp4"}]
    replaced = app_client.put(path, json={"files": files}, headers=acme.admin).get_json()
    emptied = app_client.put(
        path, json={"files": [], "duration_seconds": None}, headers=acme.admin
    ).get_json()

    assert published | {"updated_at": None} == made | {"published": True, "updated_at": None}
    assert replaced["files"] == files
    assert (emptied["files"], emptied["duration_seconds"]) == ([], None)


def test_a_deleted_video_cannot_be_changed_or_deleted_again(app_client, acme, create_video):
    path = f"/v1/videos/{create_video(acme.id)}"

    assert app_client.delete(path, headers=acme.admin).status_code == 204
    assert app_client.delete(path, headers=acme.admin).status_code == 404
    assert app_client.put(path, json={"name": "x"}, headers=acme.admin).status_code == 404


def delete_and_restore(client, company, video):
    client.delete(f"/v1/videos/{video}", headers=company.admin)
    return client.put(f"/v1/videos/{video}/restore", headers=company.admin)


def test_a_paying_company_can_restore_a_deleted_video(app_client, acme, create_video):
    video = create_video(acme.id)
    back = delete_and_restore(app_client, acme, video)

    assert (back.status_code, back.get_json()["deleted"]) == (200, False)
    assert app_client.get(f"/v1/videos/id/{video}").status_code == 200
    assert app_client.put(f"/v1/videos/{video}/restore", headers=acme.admin).status_code == 404


def test_a_free_company_cannot_restore_a_deleted_video(app_client, create_company, create_video):
    free = create_company("free", plan="FREE")

    assert delete_and_restore(app_client, free, create_video(free.id)).status_code == 403


def test_an_expired_plan_counts_as_free_before_the_worker_stores_that(
    app_client, create_company, create_video, sql
):
    lapsed = create_company("lapsed", expires="2026-01-01T00:00:00Z")
    company = app_client.get("/v1/corporations/lapsed").get_json()
    [[stored]] = sql.execute("SELECT plan FROM corporations").fetchall()

    assert (company["plan"], company["plan_expires_at"]) == ("FREE", None)
    assert delete_and_restore(app_client, lapsed, create_video(lapsed.id)).status_code == 403
    assert stored == "PAID", "the worker has not run yet"


def test_a_service_can_restore_public_videos_but_none_of_a_free_company(
    app_client, sql, create_company, create_video
):
    free = create_company("free", plan="FREE")
    theirs, public = create_video(free.id), create_video(None)
    sql.execute("UPDATE videos SET deleted_at = now()")

    assert app_client.put(f"/v1/videos/{theirs}/restore", headers=SERVICE).status_code == 403
    assert app_client.put(f"/v1/videos/{public}/restore", headers=SERVICE).status_code == 200


@pytest.mark.soak
def test_a_page_of_a_long_list_reads_an_index(app_client, sql, acme, effort):
    """EXPLAIN of the same statements that the service sends.

    A page far from the start skips the rows before it with an index-only scan.
    """
    sql.execute(
        "INSERT INTO videos (name, kind, published, file_path, corporation_id)"
        " SELECT 'v', 'video', n %% 10 > 0, 'f', %s FROM generate_series(1, %s) n",
        (acme.id, effort(40_000, 1_000_000)),
    )
    sql.execute("VACUUM ANALYZE videos")
    plans, database = {}, app_client.application.extensions["resume_service"].get(Database)
    far = f"/v1/videos?page={effort(1600, 40_000)}"
    for path, headers in (("/v1/videos", {}), (far, {}), (f"/v1/videos/{acme.id}", acme.admin)):
        with statements_of(database) as statements:
            answer = app_client.get(path, headers=headers)
        assert len(answer.get_json()) == 20
        [page] = [each for each in statements if "LIMIT" in each[0]]
        plans[path] = "\n".join(line for (line,) in sql.execute(f"EXPLAIN {page[0]}", page[1]))
    sql.execute("TRUNCATE videos CASCADE")

    for path, plan in plans.items():
        assert "Index Scan using videos_" in plan, path
        assert "Seq Scan" not in plan, path
    assert "Index Only Scan using videos_published" in plans[far]
