"""`flask seed-demo` adds a demo catalogue and a demo course, and changes no other rows."""

from __future__ import annotations

import os
import re
import struct

import pytest

from resume_service import create_app
from resume_service.demo.media import CLIPS
from resume_service.demo.titles import HARBOUR, PUBLIC, STUDIOS
from resume_service.settings import Settings
from tests.support.archive_stores import settings_of
from tests.support.catalogue_rows import close_postgres_connections
from tests.support.fixtures.companies import from_new_address, user_bearer
from tests.support.long_timeouts import app_without_openapi
from tests.support.tokens import SECRET

PASSWORD = "a password of the test"
COURSE = ("modules", "lessons", "lesson_prerequisites", "enrollments")
TITLES = [title for studio in STUDIOS for title in studio.titles]
LISTS = ("continue", "next-up")
FILES = {name for title in (*TITLES, *PUBLIC) for name, _clip in title.files}
DURATION = b"\x44\x89\x88"
"""The start of the element Duration in a WebM file. A double follows."""


@pytest.fixture
def app(real_redis, emptied_database, tmp_path, cheap_passwords):
    settings = settings_of(
        real_redis, emptied_database, media_root=str(tmp_path), trusted_proxies=1
    )
    application = app_without_openapi(settings, client=real_redis)
    yield application
    close_postgres_connections(application)


def seed(app, *args):
    """Run the command and return its output."""
    result = app.test_cli_runner().invoke(args=["seed-demo", *args])
    assert result.exit_code == 0, result.output
    return result.stdout


def error_of_seed(app, *args):
    """Run the command, which must fail, and return its error message."""
    result = app.test_cli_runner().invoke(args=["seed-demo", *args])
    assert isinstance(result.exception, SystemExit), "it raised instead of an error message"
    assert result.exit_code != 0
    assert result.stdout == ""
    return result.stderr


def snapshot(sql, folder):
    """All rows of the demo tables, and all files with their time."""
    tables = ("corporations", "users", "videos", "video_files", *COURSE)
    rows = [sql.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in tables]
    return rows, {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def sign_in(app, email, password):
    body = {"email": email, "password": password}
    headers = from_new_address()
    return app.test_client().post("/v1/auth/login", json=body, headers=headers)


def test_the_demo_has_two_companies_and_videos_of_every_kind(app):
    seed(app)
    listed = app.test_client().get("/v1/corporations").json
    offered = app.test_client().get("/v1/videos?per_page=100").json

    assert [company["plan"] for company in listed] == ["PAID", "FREE"]
    episodes = {
        (video["season_number"], video["episode_number"])
        for video in offered
        if video["kind"] == "episode" and video["series_id"] == HARBOUR
    }
    assert episodes == {(season, number) for season in (1, 2) for number in (1, 2, 3)} | {(0, 1)}
    assert {video["kind"] for video in offered} == {"video", "movie", "episode"}
    assert sum(video["corporation_id"] is None for video in offered) == len(PUBLIC)


def test_each_demo_file_exists_and_plays_for_its_stated_duration(app, sql, tmp_path):
    seed(app)
    named = sql.execute("SELECT file_path, duration_seconds FROM videos").fetchall()
    named += sql.execute(
        "SELECT f.file_path, duration_seconds FROM video_files f JOIN videos v ON v.id = video_id"
    ).fetchall()

    assert {path for path, _ in named} == {f"demo/{name}" for name in FILES}
    for path, seconds in named:
        media = (tmp_path / path).read_bytes()
        assert b"V_VP9" in media
        assert b"A_OPUS" in media
        assert length_of(media) == pytest.approx(seconds, abs=0.1)


def test_the_clips_have_less_than_a_megabyte_and_one_is_longer_than_a_minute():
    assert sum(clip.path.stat().st_size for clip in CLIPS) < 1_000_000
    assert max(clip.seconds for clip in CLIPS) > 60


def test_the_viewings_include_a_point_with_its_previous_position(app, sql):
    seed(app)
    continued = items_of(app, sql, "continue")

    previous = {item["video"]["name"]: item.get("previousTime") for item in continued}
    assert previous["The Long Ferry"] == 120


def length_of(media):
    """The duration in the head of a WebM file, in seconds."""
    after = media.index(DURATION) + len(DURATION)
    [milliseconds] = struct.unpack(">d", media[after : after + 8])
    return milliseconds / 1000


def items_of(app, sql, name):
    """The items in a list of the viewer who has watched demo videos."""
    email = STUDIOS[0].viewers[0]
    row = sql.execute("SELECT id, corporation_id FROM users WHERE email = %s", [email]).fetchone()
    page = app.test_client().get(f"/api/v1/viewing/{name}", headers=user_bearer(*row))
    return page.json["items"]


def lists_of(app, sql):
    return [[item["video"]["name"] for item in items_of(app, sql, name)] for name in LISTS]


def test_the_demo_shows_each_case_of_the_lists(app, sql):
    printed = seed(app)

    assert f"{STUDIOS[0].viewers[0]} has begun some of them" in printed
    assert lists_of(app, sql) == [
        ["A Walk along the Quay", "The Long Ferry", "Tides: Spring", "Keepers: The Log"],
        ["Ferry Tales: Anchor", "The Harbour: High Water"],
    ]


def test_a_viewer_with_points_gets_no_more_of_them(app, sql):
    seed(app)
    email = STUDIOS[0].viewers[0]
    row = sql.execute("SELECT id, corporation_id FROM users WHERE email = %s", [email]).fetchone()
    [(video,)] = sql.execute("SELECT id FROM videos WHERE name = 'The Long Ferry'").fetchall()
    path = f"/api/progress/{row[0]}/{video}"
    assert app.test_client().delete(path, headers=user_bearer(*row)).status_code == 204
    assert "nothing changed" in seed(app)

    assert "The Long Ferry" not in lists_of(app, sql)[0]


def test_without_redis_the_demo_has_no_viewings(app, sql, real_redis, emptied_database, tmp_path):
    nowhere = Settings(
        jwt_secret=SECRET,
        database_url=emptied_database,
        media_root=str(tmp_path),
        redis_url="redis://127.0.0.1:1/0",
    )
    printed = seed(app_without_openapi(nowhere))
    assert "Redis does not answer" in printed

    assert real_redis.keys("recent:*") == []


def test_demo_lessons_have_public_videos_and_one_enrolled_viewer(app, sql):
    printed = seed(app)
    named = sql.execute(
        "SELECT l.title, v.name FROM lessons l JOIN videos v ON v.id::text = l.video_id"
        " WHERE v.corporation_id IS NULL AND v.published"
    ).fetchall()
    enrolled = sql.execute(
        "SELECT email FROM enrollments JOIN users u ON u.id::text = user_id WHERE status = 'active'"
    ).fetchall()

    assert dict(named) == dict(
        zip(("Welcome", "Light", "Sound"), (t.name for t in PUBLIC), strict=True)
    )
    assert enrolled == [(STUDIOS[0].viewers[0],)]
    assert f"4 lessons, in which {STUDIOS[0].viewers[0]} is enrolled" in printed
    assert "http://localhost:8000/dashboard" in printed


def test_a_demo_lesson_has_no_deleted_video(app, sql):
    seed(app)
    sql.execute("UPDATE videos SET deleted_at = now() WHERE name = %s", (PUBLIC[0].name,))
    sql.execute("DELETE FROM lessons")
    seed(app)

    named = dict(sql.execute("SELECT title, video_id IS NOT NULL FROM lessons").fetchall())
    assert named == {"Welcome": False, "Light": True, "Sound": True, "The cut": False}


def test_an_existing_course_stays_unchanged_and_the_output_says_so(app, sql):
    sql.execute(
        "INSERT INTO modules (id, title, position, free)"
        " VALUES (gen_random_uuid(), 'Theirs', 1, true)"
    )
    printed = seed(app)

    assert "There is another course: it stays as it is" in printed
    assert sql.execute("SELECT title FROM modules").fetchall() == [("Theirs",)]
    assert sql.execute("SELECT count(*) FROM enrollments").fetchone() == (0,)
    assert "nothing changed" in seed(app)


def test_all_demo_users_can_sign_in_with_the_given_password(app):
    seed(app, "--password", PASSWORD)

    for studio in STUDIOS:
        for email in (studio.admin, *studio.viewers):
            assert sign_in(app, email, PASSWORD).status_code == 200


def test_a_random_password_is_printed_once_and_differs_each_time(app, sql):
    passwords = [re.search("password of those accounts: (.+)", seed(app))[1]]
    assert sign_in(app, STUDIOS[0].admin, passwords[0]).status_code == 200
    assert "password of those" not in seed(app)
    sql.execute("UPDATE users SET deleted_at = now()")
    sql.execute("UPDATE corporations SET deleted_at = now()")
    passwords += re.findall("password of those accounts: (.+)", seed(app))

    assert len(set(passwords)) == 2
    assert min(map(len, passwords)) >= 16


def test_the_password_can_come_from_the_environment(app, monkeypatch):
    monkeypatch.setenv("SEED_DEMO_PASSWORD", PASSWORD)
    seed(app)

    assert sign_in(app, STUDIOS[0].admin, PASSWORD).status_code == 200


@pytest.mark.parametrize("password", ["", "short", "x" * 129])
def test_a_password_of_invalid_length_is_rejected(app, password):
    assert "8 to 128" in error_of_seed(app, "--password", password)


@pytest.mark.parametrize("again", [PASSWORD, "another password"])
def test_seeding_twice_changes_nothing(app, sql, tmp_path, again):
    seed(app, "--password", PASSWORD)
    before = snapshot(sql, tmp_path)
    printed = seed(app, "--password", again)

    assert snapshot(sql, tmp_path) == before
    assert "nothing changed" in printed
    assert (again in printed) == (again == PASSWORD), (
        "it must not print a password that does not work"
    )


def test_seeding_again_keeps_changes_and_deletions(app, sql, tmp_path):
    seed(app)
    sql.execute("UPDATE videos SET deleted_at = now() WHERE name = 'The Long Ferry'")
    sql.execute("UPDATE videos SET name = 'Mist' WHERE name = 'The Harbour: Fog'")
    (tmp_path / "demo" / "quay.webm").write_bytes(b"of my own")
    before = snapshot(sql, tmp_path)
    seed(app)

    assert snapshot(sql, tmp_path) == before


def test_seeding_after_an_interruption_adds_what_is_missing(app, sql, tmp_path):
    seed(app, "--password", PASSWORD)
    complete, files = snapshot(sql, tmp_path)
    sql.execute("DELETE FROM videos WHERE name = 'Weather for Sailors'")
    sql.execute("DELETE FROM users WHERE email = %s", (STUDIOS[1].viewers[1],))
    (tmp_path / "demo" / "quay.webm").unlink()
    assert "3 added" in seed(app, "--password", PASSWORD)
    after, files_after = snapshot(sql, tmp_path)

    assert [len(table) for table in after] == [len(table) for table in complete]
    assert set(files_after) == set(files)
    assert sign_in(app, STUDIOS[1].viewers[1], PASSWORD).status_code == 200


TAKEN = [
    ({"name": STUDIOS[1].name, "admin_email": "owner@films.example"}, STUDIOS[1].name),
    ({"name": "Other films", "admin_email": STUDIOS[1].viewers[0]}, STUDIOS[1].viewers[0]),
    ({"name": "Other films", "admin_email": STUDIOS[1].admin}, STUDIOS[1].admin),
]


@pytest.mark.parametrize(("theirs", "named"), TAKEN)
def test_a_name_or_address_in_use_stops_seeding_without_changes(app, sql, tmp_path, theirs, named):
    body = theirs | {"admin_password": PASSWORD}
    headers = from_new_address()
    created = app.test_client().post("/v1/corporations", json=body, headers=headers)
    assert created.status_code == 201
    before = snapshot(sql, tmp_path)
    error = error_of_seed(app)

    assert named in error
    assert len(error.splitlines()) == 1
    assert snapshot(sql, tmp_path) == before


def test_seeding_does_not_change_another_company(app, sql, tmp_path):
    body = {"name": "Others", "admin_email": "o@others.example", "admin_password": PASSWORD}
    headers = from_new_address()
    company = app.test_client().post("/v1/corporations", json=body, headers=headers).json["id"]
    sql.execute(
        "INSERT INTO videos (name, kind, published, file_path, corporation_id)"
        " VALUES ('Film', 'movie', true, 'demo/long-ferry.webm', %s)",
        (company,),
    )
    before = [rows[0] for rows in snapshot(sql, tmp_path)[0] if rows]
    seed(app)

    assert [rows[0] for rows in snapshot(sql, tmp_path)[0]][:3] == before
    listed = app.test_client().get("/v1/videos?per_page=100").json
    assert len([video for video in listed if video["corporation_id"] == company]) == 1


def test_seeding_fails_while_another_process_seeds(app, sql):
    with sql.transaction():
        sql.execute("SELECT pg_advisory_xact_lock(5120944870)")
        error = error_of_seed(app)

    assert "The demo is being added by" in error
    assert sql.execute("SELECT count(*) FROM corporations").fetchone() == (0,)


@pytest.mark.parametrize("missing", ["database_url", "media_root"])
def test_a_missing_setting_gives_a_one_line_error(real_redis, emptied_database, tmp_path, missing):
    given = {"database_url": emptied_database, "media_root": str(tmp_path), missing: None}
    error = error_of_seed(create_app(Settings(jwt_secret=SECRET, **given), client=real_redis))

    assert f"{missing.upper()} is not set" in error
    assert len(error.splitlines()) == 1


def test_an_unreachable_postgres_gives_a_one_line_error(real_redis, tmp_path):
    nowhere = f"postgresql://postgres@/none?host={tmp_path}"
    settings = Settings(jwt_secret=SECRET, database_url=nowhere, media_root=str(tmp_path))
    error = error_of_seed(create_app(settings, client=real_redis))

    assert "Postgres does not answer" in error
    assert len(error.splitlines()) == 1


def test_an_unwritable_folder_gives_a_one_line_error_and_adds_nothing(app, sql, tmp_path):
    (tmp_path / "demo").write_text("in the way")
    error = error_of_seed(app)

    assert os.fspath(tmp_path / "demo") in error
    assert len(error.splitlines()) == 1
    assert sql.execute("SELECT count(*) FROM corporations").fetchone() == (0,)
