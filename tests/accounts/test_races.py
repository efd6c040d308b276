"""Concurrent requests of `/v1`: no deadlock, and no half-finished result."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event

from resume_service.postgres.database import CONNECTIONS, Database
from tests.support.fixtures.companies import from_new_address

GUESTS = 40


def run_concurrently(*calls):
    """Start all `calls` at the same moment. Return their results."""
    barrier = threading.Barrier(len(calls))

    def start(call):
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(start, calls))


@pytest.mark.soak
def test_deleting_a_company_while_its_users_refresh_causes_no_deadlock(
    app_client, sql, create_company, effort
):
    client_of = app_client.application.test_client
    for number in range(effort(3, 30)):
        company = create_company(f"acme-{number}")
        tokens = [f"token-{number}-{guest}" for guest in range(GUESTS)]
        for guest, token in enumerate(tokens):
            sql.execute(
                "WITH made AS (INSERT INTO users (email, password_hash, role, corporation_id)"
                " VALUES (%s, 'x', 'guest', %s) RETURNING id)"
                " INSERT INTO refresh_tokens (user_id, family, token_hash, created_at, expires_at)"
                " SELECT id, gen_random_uuid(), %s, now(), now() + interval '1 day' FROM made",
                (f"g{guest}@{number}.example", company.id, hashlib.sha256(token.encode()).digest()),
            )

        def delete(company=company):
            path = f"/v1/corporations/{company.id}"
            return {client_of().delete(path, headers=company.admin).status_code}

        def refresh(part, tokens=tokens):
            sent = [{"refresh_token": token} for token in tokens[part::3]]
            return {client_of().post("/v1/auth/refresh", json=each).status_code for each in sent}

        deleted, *refreshed = run_concurrently(delete, *(lambda n=n: refresh(n) for n in range(3)))

        assert deleted == {204}
        assert set().union(*refreshed) <= {200, 401}
        [[valid]] = sql.execute(
            "SELECT count(*) FROM refresh_tokens t JOIN users u ON u.id = t.user_id"
            " WHERE u.deleted_at IS NULL"
        ).fetchall()
        assert valid == 0


@pytest.mark.soak
def test_a_video_restored_while_its_company_is_deleted_stays_deleted(
    app_client, create_company, create_video, sql, effort
):
    client_of = app_client.application.test_client
    for number in range(effort(5, 50)):
        company = create_company(f"acme-{number}")
        video = create_video(company.id)
        sql.execute("UPDATE videos SET deleted_at = now() WHERE id = %s", (video,))

        def restore(video=video, company=company):
            path = f"/v1/videos/{video}/restore"
            return client_of().put(path, headers=company.admin).status_code

        def delete(company=company):
            path = f"/v1/corporations/{company.id}"
            return client_of().delete(path, headers=company.admin).status_code

        restored, deleted = run_concurrently(restore, delete)

        assert restored in (200, 401, 404)
        assert deleted == 204
        assert app_client.get(f"/v1/videos/id/{video}").status_code == 404


def test_40_concurrent_reads_share_the_pooled_connections(app_client, acme):
    """A connection for each read would take longer than the timeout."""
    client_of, connections = app_client.application.test_client, []
    engine = app_client.application.extensions["resume_service"].get(Database)._engine
    event.listen(engine, "connect", lambda *_: connections.append("a connection"))

    def read():
        path = f"/v1/users/id/{acme.guest_id}"
        return client_of().get(path, headers=acme.guest | from_new_address()).status_code

    assert run_concurrently(*[read] * 40) == [200] * 40
    assert 1 <= len(connections) <= CONNECTIONS
