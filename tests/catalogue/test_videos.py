"""The catalogue: made, listed, changed, deleted and restored."""

from __future__ import annotations

import pytest

from resume_service.postgres.database import Database
from tests.support.fixtures.companies import NOBODY, SERVICE
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


def test_a_video_is_made_as_it_was_given(app_client, acme):
    made = create(app_client, acme.admin, **EPISODE)
    video = made.get_json()

    assert made.status_code == 201
    assert {name: video[name] for name in EPISODE if name != "files"} == {
        name: value for name, value in EPISODE.items() if name != "files"
    }
    assert sorted(map(str, video["files"])) == sorted(map(str, EPISODE["files"]))
    assert (video["corporation_id"], video["deleted"]) == (acme.id, False)


def test_a_video_is_by_default_a_published_video(app_client, acme):
    video = create(app_client, acme.admin).get_json()

    assert (video["kind"], video["published"], video["duration_seconds"]) == ("video", True, None)


def test_a_service_makes_public_videos_and_those_of_any_company(app_client, acme):
    public = create(app_client, SERVICE, corporation_id=None)
    acmes = create(app_client, SERVICE, corporation_id=acme.id)

    assert public.get_json()["corporation_id"] is None
    assert acmes.get_json()["corporation_id"] == acme.id
    assert create(app_client, SERVICE).status_code == 422
    assert create(app_client, SERVICE, corporation_id=NOBODY).status_code == 404


def test_an_admin_keeps_its_own_companys_videos_and_no_others(app_client, acme, umbra, a_video):
    theirs, public = a_video(umbra.id), a_video(None)

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
def test_a_field_that_breaks_the_contract_is_422_and_named(app_client, acme, field, value):
    answer = create(app_client, acme.admin, **{field: value})

    assert answer.status_code == 422
    assert list(answer.get_json()["details"]) == [field]


def test_file_paths_are_shown_to_the_companys_admins_and_services_alone(
    app_client, acme, umbra, a_video
):
    video = a_video(acme.id)
    who = {"nobody": {}, "guest": acme.guest, "admin": acme.admin, "stranger": umbra.admin}
    who["service"] = SERVICE

    for path in (f"/v1/videos/id/{video}", "/v1/videos", f"/v1/videos/{acme.id}"):
        shown = {}
        for name, headers in who.items():
            if name == "nobody" and path == f"/v1/videos/{acme.id}":
                continue
            answer = app_client.get(path, headers=headers).get_json()
            one = answer[0] if isinstance(answer, list) else answer
            shown[name] = ("file_path" in one, "files" in one)
        expected = {name: (name in ("admin", "service"),) * 2 for name in shown}
        assert shown == expected, path


def test_what_is_unpublished_or_deleted_is_seen_by_its_admins_alone(
    app_client, sql, acme, umbra, a_video
):
    shown, hidden, gone = a_video(acme.id), a_video(acme.id, published=False), a_video(acme.id)
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


def test_a_broken_token_on_a_public_route_is_as_good_as_none(app_client, acme, a_video):
    path = f"/v1/videos/id/{a_video(acme.id)}"
    broken = {"Authorization": "Bearer broken"}

    assert app_client.get(path, headers=broken).get_json() == app_client.get(path).get_json()


def test_a_change_changes_what_is_given_and_files_as_a_whole(app_client, acme):
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


def test_a_deleted_video_is_neither_changed_nor_deleted_again(app_client, acme, a_video):
    path = f"/v1/videos/{a_video(acme.id)}"

    assert app_client.delete(path, headers=acme.admin).status_code == 204
    assert app_client.delete(path, headers=acme.admin).status_code == 404
    assert app_client.put(path, json={"name": "x"}, headers=acme.admin).status_code == 404


def restored(client, company, video):
    client.delete(f"/v1/videos/{video}", headers=company.admin)
    return client.put(f"/v1/videos/{video}/restore", headers=company.admin)


def test_a_paying_company_restores_what_it_deleted(app_client, acme, a_video):
    video = a_video(acme.id)
    back = restored(app_client, acme, video)

    assert (back.status_code, back.get_json()["deleted"]) == (200, False)
    assert app_client.get(f"/v1/videos/id/{video}").status_code == 200
    assert app_client.put(f"/v1/videos/{video}/restore", headers=acme.admin).status_code == 404


def test_a_free_company_does_not(app_client, founded, a_video):
    free = founded("free", plan="FREE")

    assert restored(app_client, free, a_video(free.id)).status_code == 403


def test_a_plan_that_expired_a_moment_ago_counts_as_free_at_once_everywhere(
    app_client, founded, a_video, sql
):
    lapsed = founded("lapsed", expires="2026-01-01T00:00:00Z")
    company = app_client.get("/v1/corporations/lapsed").get_json()
    [[stored]] = sql.execute("SELECT plan FROM corporations").fetchall()

    assert (company["plan"], company["plan_expires_at"]) == ("FREE", None)
    assert restored(app_client, lapsed, a_video(lapsed.id)).status_code == 403
    assert stored == "PAID", "the worker has not noted it yet"


def test_a_service_restores_as_an_admin_would(app_client, sql, founded, a_video):
    free = founded("free", plan="FREE")
    theirs, public = a_video(free.id), a_video(None)
    sql.execute("UPDATE videos SET deleted_at = now()")

    assert app_client.put(f"/v1/videos/{theirs}/restore", headers=SERVICE).status_code == 403
    assert app_client.put(f"/v1/videos/{public}/restore", headers=SERVICE).status_code == 200


@pytest.mark.soak
def test_a_list_of_20_out_of_a_million_reads_an_index(app_client, sql, acme, effort):
    """Postgres explains the very statements by which the service reads a page.

    A page far behind also passes over those before it by an index alone.
    """
    sql.execute(
        "INSERT INTO videos (name, kind, published, file_path, corporation_id)"
        " SELECT 'v', 'video', n %% 10 > 0, 'f', %s FROM generate_series(1, %s) n",
        (acme.id, effort(100_000, 1_000_000)),
    )
    sql.execute("VACUUM ANALYZE videos")
    plans, database = {}, app_client.application.extensions["resume_service"].get(Database)
    far = f"/v1/videos?page={effort(4000, 40_000)}"
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
