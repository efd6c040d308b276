"""Without Postgres or Redis, requests get a 503 within a second and leave no partial writes."""

from __future__ import annotations

import json

import psycopg
import pytest
from stripe import WebhookSignature

from dev.redis_server import RedisServer
from dev.service import Service, free_port
from resume_service.postgres import migrate
from tests.support.course_builder import CourseBuilder
from tests.support.eventually import eventually
from tests.support.load_clients import Viewer
from tests.support.server_faults import frozen, killed
from tests.support.tokens import SECRET, bearer

MAX_SECONDS = 1.0
READS = (
    "/api/progress/lessons",
    "/api/progress/summary",
    "/api/progress/modules/{module}",
    "/v1/course",
)


@pytest.fixture(scope="module")
def site(postgres_servers, tmp_path_factory):
    """A service with its own Redis and Postgres, which the tests disturb."""
    folder = tmp_path_factory.mktemp("site")
    postgres, server = postgres_servers(), RedisServer(folder / "redis", port=free_port())
    env = {"REDIS_URL": server.url, "DATABASE_URL": postgres.url, "JWT_SECRET": SECRET}
    service = Service(
        folder / "service.log", **env, WEB_CONCURRENCY="1", LESSON_WRITES_PER_MINUTE="10000"
    )
    try:
        postgres.start()
        server.start()
        migrate.upgrade(postgres.url)
        service.start()
        yield postgres, server, service
    finally:
        service.kill()
        server.kill()
        if postgres.is_running():
            postgres.kill()


@pytest.fixture
def lesson(site):
    with psycopg.connect(site[0].url, autocommit=True) as sql:
        sql.execute("DELETE FROM lessons; DELETE FROM enrollments")
        course = CourseBuilder(None, sql, [])
        course.enroll("ann")
        module = course.module()
        return module, course.lesson(module)


@pytest.mark.alone
def test_with_postgres_frozen_every_route_gives_503_and_then_recovers(site, lesson):
    postgres, _, service = site
    module, lesson_id = lesson
    viewer = Viewer(service.port)
    path = f"/api/progress/lessons/{lesson_id}"
    assert viewer.ask("POST", path).status == 200
    with frozen(postgres):
        answers = [
            *(viewer.ask(method, path) for method in ("POST", "DELETE")),
            *(viewer.ask("GET", read.format(module=module)) for read in READS),
        ]

    for answer in answers:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
        assert answer.seconds < MAX_SECONDS
        assert set(json.loads(answer.body)) == {"error"}
    eventually(lambda: viewer.ask("DELETE", path).status == 200)
    for read in READS:
        eventually(lambda read=read: viewer.ask("GET", read.format(module=module)).status == 200)


@pytest.mark.alone
def test_with_redis_down_writes_change_nothing_and_reads_work(site, lesson):
    postgres, server, service = site
    module, lesson_id = lesson
    viewer = Viewer(service.port)
    path = f"/api/progress/lessons/{lesson_id}"
    with killed(server):
        writes = [viewer.ask(method, path) for method in ("POST", "DELETE")]
        reads = [viewer.ask("GET", read.format(module=module)) for read in READS]
    with psycopg.connect(postgres.url) as sql:
        rows = sql.execute(
            "SELECT lesson_id FROM lesson_progress UNION ALL SELECT lesson_id FROM lesson_unmarked"
        ).fetchall()

    assert [answer.status for answer in writes] == [503, 503]
    assert max(answer.seconds for answer in writes) < MAX_SECONDS
    assert {answer.status for answer in reads} == {200}
    assert rows == []
    eventually(lambda: viewer.ask("POST", path).status == 200)


@pytest.mark.alone
def test_a_locked_user_gets_503_and_other_users_do_not_wait(site, lesson):
    postgres, _, service = site
    _, lesson_id = lesson
    path = f"/api/progress/lessons/{lesson_id}"
    with psycopg.connect(postgres.url) as sql:
        sql.execute(
            "INSERT INTO enrollments (id, user_id, status) VALUES (gen_random_uuid(), 'bob', 'active')"
        )
        sql.commit()
        sql.execute("SELECT pg_advisory_xact_lock(7236, hashtext('ann'))")
        ann, bob = Viewer(service.port), Viewer(service.port, "bob")
        locked, free = ann.ask("POST", path), bob.ask("POST", path)
    after = ann.ask("POST", path)

    assert (locked.status, free.status, after.status) == (503, 200, 200)
    assert locked.seconds < MAX_SECONDS
    assert free.seconds < MAX_SECONDS


@pytest.mark.alone
def test_acknowledged_marks_survive_a_kill_of_postgres(site, lesson):
    postgres, _, service = site
    module, lesson_id = lesson
    viewer = Viewer(service.port)
    marked = viewer.ask("POST", f"/api/progress/lessons/{lesson_id}")
    with killed(postgres):
        assert viewer.ask("GET", "/api/progress/summary").status == 503
    eventually(lambda: viewer.ask("GET", "/api/progress/summary").status == 200)

    assert marked.status == 200
    completed = viewer.ask("GET", "/api/progress/lessons").json["lessons"]
    assert [each["completedAt"] for each in completed] == [marked.json["completedAt"]]
    assert viewer.ask("GET", f"/api/progress/modules/{module}").json["completedCount"] == 1


def test_without_postgres_a_stripe_event_gives_503_with_retry_after(apps):
    payload = json.dumps(
        {
            "id": "evt", "created": 1, "type": "customer.subscription.created",
            "data": {"object": {"id": "sub", "status": "active", "metadata": {"user_id": "ann"}}},
        }
    )  # fmt: skip
    headers = {"Stripe-Signature": WebhookSignature.generate_signature_header(payload, "whsec_x")}
    nowhere = "postgresql://ann@127.0.0.1:1/none"
    client = apps(database_url=nowhere, stripe_webhook_secret="whsec_x").test_client()

    answer = client.post("/v1/billing/stripe", data=payload, headers=headers)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert client.get("/v1/modules", headers=bearer("root", role="admin")).status_code == 503
