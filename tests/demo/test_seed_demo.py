"""`flask seed-demo`: a catalogue to try things with, and nothing of anybody else's is touched."""

from __future__ import annotations

import os
import re
import wave

import pytest

from resume_service import create_app
from resume_service.demo.media import SECONDS
from resume_service.demo.titles import PUBLIC, STUDIOS
from resume_service.postgres.database import Database
from resume_service.settings import Settings
from tests.support.fixtures.companies import from_a_client_of_its_own
from tests.support.long_timeouts import app_without_openapi
from tests.support.tokens import SECRET

PASSWORD = "a password of the test"
COURSE = ("modules", "lessons", "lesson_prerequisites", "enrollments")
TITLES = [title for studio in STUDIOS for title in studio.titles]
FILES = {name for title in (*TITLES, *PUBLIC) for name in (title.file, title.low_file) if name}


@pytest.fixture
def app(real_redis, emptied_database, tmp_path):
    settings = Settings(
        jwt_secret=SECRET,
        database_url=emptied_database,
        media_root=str(tmp_path),
        trusted_proxies=1,
    )
    made = app_without_openapi(settings, client=real_redis)
    yield made
    made.extensions["resume_service"].get(Database).close()


def seed(app, *args):
    result = app.test_cli_runner().invoke(args=["seed-demo", *args])
    assert result.exit_code == 0, result.output
    return result.stdout


def refusal(app, *args):
    result = app.test_cli_runner().invoke(args=["seed-demo", *args])
    assert isinstance(result.exception, SystemExit), "a traceback is no answer"
    assert result.exit_code != 0
    assert result.stdout == ""
    return result.stderr


def everything(sql, folder):
    """What the database and the folder hold."""
    tables = ("corporations", "users", "videos", "video_files", *COURSE)
    rows = [sql.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in tables]
    return rows, {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def sign_in(app, email, password):
    body = {"email": email, "password": password}
    headers = from_a_client_of_its_own()
    return app.test_client().post("/v1/auth/login", json=body, headers=headers)


def test_there_are_two_companies_one_paid_one_free_with_series_films_and_public_videos(app):
    seed(app)
    listed = app.test_client().get("/v1/corporations").json
    offered = app.test_client().get("/v1/videos?per_page=100").json

    assert [company["plan"] for company in listed] == ["PAID", "FREE"]
    episodes = {
        (video["series_id"], video["season_number"], video["episode_number"])
        for video in offered
        if video["kind"] == "episode"
    }
    assert episodes == {(1, season, episode) for season in (1, 2) for episode in (1, 2, 3)}
    assert {video["kind"] for video in offered} == {"video", "movie", "episode"}
    assert sum(video["corporation_id"] is None for video in offered) == len(PUBLIC)


def test_every_file_a_video_names_is_below_media_root_and_plays_as_long_as_is_said(
    app, sql, tmp_path
):
    seed(app)
    named = sql.execute("SELECT file_path, duration_seconds FROM videos").fetchall()
    named += sql.execute(
        "SELECT f.file_path, duration_seconds FROM video_files f JOIN videos v ON v.id = video_id"
    ).fetchall()

    assert {path for path, _ in named} == {f"demo/{name}" for name in FILES}
    for path, seconds in named:
        with wave.open(str(tmp_path / path)) as media:
            assert media.getnframes() / media.getframerate() == seconds == SECONDS
            assert len(set(media.readframes(media.getnframes()))) > 10, "silence"
    contents = {(tmp_path / "demo" / name).read_bytes() for name in FILES}
    assert len(contents) == len(FILES)


def test_lessons_of_the_course_name_videos_of_everybodys_and_a_viewer_is_enrolled(app, sql):
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


def test_a_lesson_names_no_video_that_is_deleted(app, sql):
    seed(app)
    sql.execute("UPDATE videos SET deleted_at = now() WHERE name = %s", (PUBLIC[0].name,))
    sql.execute("DELETE FROM lessons")
    seed(app)

    named = dict(sql.execute("SELECT title, video_id IS NOT NULL FROM lessons").fetchall())
    assert named == {"Welcome": False, "Light": True, "Sound": True, "The cut": False}


def test_a_course_of_others_is_left_as_it_is_and_that_is_told(app, sql):
    sql.execute(
        "INSERT INTO modules (id, title, position, free)"
        " VALUES (gen_random_uuid(), 'Theirs', 1, true)"
    )
    printed = seed(app)

    assert "There is another course: it stays as it is" in printed
    assert sql.execute("SELECT title FROM modules").fetchall() == [("Theirs",)]
    assert sql.execute("SELECT count(*) FROM enrollments").fetchone() == (0,)
    assert "nothing changed" in seed(app)


def test_everybody_can_sign_in_with_the_password_given(app):
    seed(app, "--password", PASSWORD)

    for studio in STUDIOS:
        for email in (studio.admin, *studio.viewers):
            assert sign_in(app, email, PASSWORD).status_code == 200


def test_a_password_is_made_up_told_once_and_another_one_each_time(app, sql):
    told = [re.search("password of those accounts: (.+)", seed(app))[1]]
    assert sign_in(app, STUDIOS[0].admin, told[0]).status_code == 200
    assert "password of those" not in seed(app)
    sql.execute("UPDATE users SET deleted_at = now()")
    sql.execute("UPDATE corporations SET deleted_at = now()")
    told += re.findall("password of those accounts: (.+)", seed(app))

    assert len(set(told)) == 2
    assert min(map(len, told)) >= 16


def test_a_password_may_come_by_the_environment(app, monkeypatch):
    monkeypatch.setenv("SEED_DEMO_PASSWORD", PASSWORD)
    seed(app)

    assert sign_in(app, STUDIOS[0].admin, PASSWORD).status_code == 200


@pytest.mark.parametrize("password", ["", "short", "x" * 129])
def test_a_password_that_sign_in_would_refuse_is_refused(app, password):
    assert "8 to 128" in refusal(app, "--password", password)


@pytest.mark.parametrize("again", [PASSWORD, "another password"])
def test_run_twice_it_changes_nothing(app, sql, tmp_path, again):
    seed(app, "--password", PASSWORD)
    before = everything(sql, tmp_path)
    printed = seed(app, "--password", again)

    assert everything(sql, tmp_path) == before
    assert "nothing changed" in printed
    assert (again in printed) == (again == PASSWORD), "a password that does not work"


def test_what_was_changed_or_deleted_of_it_stays_so(app, sql, tmp_path):
    seed(app)
    sql.execute("UPDATE videos SET deleted_at = now() WHERE name = 'The Long Ferry'")
    sql.execute("UPDATE videos SET name = 'Mist' WHERE name = 'The Harbour: Fog'")
    (tmp_path / "demo" / "quay.wav").write_bytes(b"of my own")
    before = everything(sql, tmp_path)
    seed(app)

    assert everything(sql, tmp_path) == before


def test_what_is_missing_after_it_was_broken_off_is_added(app, sql, tmp_path):
    seed(app, "--password", PASSWORD)
    whole, files = everything(sql, tmp_path)
    sql.execute("DELETE FROM videos WHERE name = 'Weather for Sailors'")
    sql.execute("DELETE FROM users WHERE email = %s", (STUDIOS[1].viewers[1],))
    (tmp_path / "demo" / "quay.wav").unlink()
    assert "3 added" in seed(app, "--password", PASSWORD)
    after, files_after = everything(sql, tmp_path)

    assert [len(table) for table in after] == [len(table) for table in whole]
    assert set(files_after) == set(files)
    assert sign_in(app, STUDIOS[1].viewers[1], PASSWORD).status_code == 200


TAKEN = [
    ({"name": STUDIOS[1].name, "admin_email": "somebody@films.example"}, STUDIOS[1].name),
    ({"name": "Somebody's", "admin_email": STUDIOS[1].viewers[0]}, STUDIOS[1].viewers[0]),
    ({"name": "Somebody's", "admin_email": STUDIOS[1].admin}, STUDIOS[1].admin),
]


@pytest.mark.parametrize(("theirs", "named"), TAKEN)
def test_where_a_name_or_an_address_is_somebody_elses_nothing_is_touched(
    app, sql, tmp_path, theirs, named
):
    body = theirs | {"admin_password": PASSWORD}
    headers = from_a_client_of_its_own()
    made = app.test_client().post("/v1/corporations", json=body, headers=headers)
    assert made.status_code == 201
    before = everything(sql, tmp_path)
    told = refusal(app)

    assert named in told
    assert len(told.splitlines()) == 1
    assert everything(sql, tmp_path) == before


def test_what_others_have_is_left_as_it_is(app, sql, tmp_path):
    body = {"name": "Others", "admin_email": "o@others.example", "admin_password": PASSWORD}
    headers = from_a_client_of_its_own()
    company = app.test_client().post("/v1/corporations", json=body, headers=headers).json["id"]
    sql.execute(
        "INSERT INTO videos (name, kind, published, file_path, corporation_id)"
        " VALUES ('Film', 'movie', true, 'demo/long-ferry.wav', %s)",
        (company,),
    )
    before = [rows[0] for rows in everything(sql, tmp_path)[0] if rows]
    seed(app)

    assert [rows[0] for rows in everything(sql, tmp_path)[0]][:3] == before
    listed = app.test_client().get("/v1/videos?per_page=100").json
    assert len([video for video in listed if video["corporation_id"] == company]) == 1


def test_two_at_once_do_not_both_add_it(app, sql):
    with sql.transaction():
        sql.execute("SELECT pg_advisory_xact_lock(5120944870)")
        told = refusal(app)

    assert "somebody else" in told
    assert sql.execute("SELECT count(*) FROM corporations").fetchone() == (0,)


@pytest.mark.parametrize("missing", ["database_url", "media_root"])
def test_without_a_setting_it_takes_it_says_so_in_one_line(
    real_redis, emptied_database, tmp_path, missing
):
    given = {"database_url": emptied_database, "media_root": str(tmp_path), missing: None}
    told = refusal(create_app(Settings(jwt_secret=SECRET, **given), client=real_redis))

    assert f"{missing.upper()} is not set" in told
    assert len(told.splitlines()) == 1


def test_where_postgres_is_not_to_be_had_it_says_so_in_one_line(real_redis, tmp_path):
    nowhere = f"postgresql://postgres@/none?host={tmp_path}"
    settings = Settings(jwt_secret=SECRET, database_url=nowhere, media_root=str(tmp_path))
    told = refusal(create_app(settings, client=real_redis))

    assert "Postgres does not answer" in told
    assert len(told.splitlines()) == 1


def test_where_the_folder_cannot_be_written_it_says_so_in_one_line_and_adds_nothing(
    app, sql, tmp_path
):
    (tmp_path / "demo").write_text("in the way")
    told = refusal(app)

    assert os.fspath(tmp_path / "demo") in told
    assert len(told.splitlines()) == 1
    assert sql.execute("SELECT count(*) FROM corporations").fetchone() == (0,)
