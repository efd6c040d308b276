"""A company's users."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from tests.support.fixtures.companies import (
    PASSWORD,
    SERVICE,
    UNKNOWN_ID,
    from_new_address,
    user_bearer,
)
from tests.support.jwks_issuer import Issuer, rsa_key


def create(client, headers, email="new@acme.example", **more):
    body = {"email": email, "password": PASSWORD} | more
    return client.post("/v1/users", json=body, headers=headers)


def test_an_admin_creates_guests_and_admins_of_its_company(app_client, acme):
    guest = create(app_client, acme.admin)
    admin = create(app_client, acme.admin, "two@acme.example", role="admin")

    assert (guest.status_code, admin.status_code) == (201, 201)
    assert guest.get_json() == {
        "id": guest.get_json()["id"], "email": "new@acme.example", "role": "guest",
        "corporation_id": acme.id, "points": 0,
        "created_at": guest.get_json()["created_at"], "updated_at": guest.get_json()["created_at"],
    }  # fmt: skip
    assert admin.get_json()["role"] == "admin"
    login = {"email": "new@acme.example", "password": PASSWORD}
    signed_in = app_client.post("/v1/auth/login", json=login, headers=from_new_address())
    assert signed_in.status_code == 200


def test_an_admin_cannot_create_a_user_of_another_company(app_client, acme, umbra):
    assert create(app_client, acme.admin, corporation_id=umbra.id).status_code == 403
    assert create(app_client, acme.admin, corporation_id=acme.id).status_code == 201


def test_a_service_must_name_the_company(app_client, acme):
    unnamed = create(app_client, SERVICE)

    assert unnamed.status_code == 422
    assert list(unnamed.get_json()["details"]) == ["corporation_id"]
    assert create(app_client, SERVICE, corporation_id=UNKNOWN_ID).status_code == 404
    assert create(app_client, SERVICE, corporation_id=acme.id).status_code == 201
    assert app_client.get("/v1/users", headers=SERVICE).status_code == 422


def test_an_email_is_unique_across_companies(app_client, acme, umbra):
    create(app_client, acme.admin)

    assert create(app_client, umbra.admin, "NEW@acme.example").status_code == 409


@pytest.mark.parametrize(
    ("field", "value"),
    [("role", "service"), ("role", "root"), ("role", 1), ("email", "x"), ("password", "short"),
     ("corporation_id", 0), ("corporation_id", True), ("corporation_id", "1"),
     ("corporation_id", 2**63)],
)  # fmt: skip
def test_an_invalid_field_is_422_and_named(app_client, acme, field, value):
    answer = create(app_client, acme.admin, **{field: value})

    assert answer.status_code == 422
    assert list(answer.get_json()["details"]) == [field]


def test_an_update_cannot_give_the_service_role(app_client, acme):
    path = f"/v1/users/{acme.guest_id}"

    assert app_client.put(path, json={"role": "service"}, headers=acme.admin).status_code == 422


@pytest.mark.parametrize("local_part", ["a+b", "a%b", "a?b", "a#b", "a/b", "ü"])
def test_every_accepted_email_can_be_looked_up(app_client, acme, local_part):
    address = f"{local_part}@acme.example"
    made = create(app_client, acme.admin, email=address)
    found = app_client.get(f"/v1/users/{quote(address, safe='')}", headers=acme.admin)

    assert (made.status_code, found.status_code) in ((201, 200), (422, 404))


@pytest.mark.usefixtures("umbra")
def test_the_list_has_the_companys_users_without_deleted_ones(app_client, acme):
    app_client.delete(f"/v1/users/{acme.other_guest_id}", headers=acme.admin)
    listed = app_client.get("/v1/users", headers=acme.admin)

    assert [user["id"] for user in listed.get_json()] == [acme.admin_id, acme.guest_id]
    assert listed.headers["X-Total-Count"] == "2"
    assert not any("password" in user for user in listed.get_json())


def test_a_token_of_an_external_issuer_gives_no_access_to_an_account(client_with, acme, request):
    issuer = Issuer(rsa_key())
    request.addfinalizer(issuer.stop)
    client = client_with(jwt_jwks_url=issuer.url)
    theirs = {"Authorization": rsa_key().bearer(str(acme.guest_id))}
    path = f"/v1/users/id/{acme.guest_id}"

    assert client.get(path, headers=theirs).status_code == 401
    assert client.delete(f"/v1/users/{acme.guest_id}", headers=theirs).status_code == 401
    assert client.get(path, headers=acme.guest).status_code == 200


def test_a_user_can_change_its_password_but_not_its_role(app_client, acme):
    path = f"/v1/users/{acme.guest_id}"

    assert app_client.put(path, json={"role": "admin"}, headers=acme.guest).status_code == 403
    changed = app_client.put(path, json={"password": PASSWORD}, headers=acme.guest)
    assert (changed.status_code, changed.get_json()["role"]) == (200, "guest")


def test_the_last_admin_cannot_be_deleted_or_demoted(app_client, acme):
    path = f"/v1/users/{acme.admin_id}"

    assert app_client.delete(path, headers=acme.admin).status_code == 409
    assert app_client.put(path, json={"role": "guest"}, headers=acme.admin).status_code == 409
    app_client.put(f"/v1/users/{acme.guest_id}", json={"role": "admin"}, headers=acme.admin)
    assert app_client.delete(path, headers=acme.admin).status_code == 204


@pytest.mark.soak
def test_of_two_admins_deleting_each_other_one_stays(app_client, acme, sql, effort):
    clients = app_client.application.test_client
    pair = {acme.admin_id: acme.guest_id, acme.guest_id: acme.admin_id}
    for _ in range(effort(5, 100)):
        sql.execute(
            "UPDATE users SET role = 'admin', deleted_at = NULL WHERE id = ANY(%s)", (list(pair),)
        )
        start = threading.Barrier(2)

        def remove(own, start=start):
            start.wait()
            headers = user_bearer(own, acme.id, "admin")
            return clients().delete(f"/v1/users/{pair[own]}", headers=headers).status_code

        with ThreadPoolExecutor(2) as pool:
            statuses = sorted(pool.map(remove, pair))

        assert statuses in ([204, 409], [204, 401])
        left = sql.execute(
            "SELECT id FROM users WHERE deleted_at IS NULL AND role = 'admin'"
        ).fetchall()
        assert len(left) == 1


def test_a_deleted_user_is_404_and_its_email_can_be_used_again(app_client, acme):
    path = f"/v1/users/id/{acme.guest_id}"

    assert app_client.delete(f"/v1/users/{acme.guest_id}", headers=acme.guest).status_code == 204
    assert app_client.get(path, headers=acme.admin).status_code == 404
    assert create(app_client, acme.admin, "guest@acme.example").status_code == 201


def test_tokens_of_an_unknown_user_are_404(app_client, acme):
    assert app_client.get(f"/v1/tokens/{UNKNOWN_ID}", headers=acme.admin).status_code == 404
