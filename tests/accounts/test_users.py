"""A company's users."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from tests.support.fixtures.companies import (
    NOBODY,
    PASSWORD,
    SERVICE,
    from_a_client_of_its_own,
    member,
)
from tests.support.jwks_issuer import Issuer, rsa_key


def create(client, headers, email="new@acme.example", **more):
    body = {"email": email, "password": PASSWORD} | more
    return client.post("/v1/users", json=body, headers=headers)


def test_an_admin_makes_guests_and_admins_of_its_company(app_client, acme):
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
    signed_in = app_client.post("/v1/auth/login", json=login, headers=from_a_client_of_its_own())
    assert signed_in.status_code == 200


def test_an_admin_makes_no_user_of_another_company(app_client, acme, umbra):
    assert create(app_client, acme.admin, corporation_id=umbra.id).status_code == 403
    assert create(app_client, acme.admin, corporation_id=acme.id).status_code == 201


def test_a_service_names_the_company(app_client, acme):
    unnamed = create(app_client, SERVICE)

    assert unnamed.status_code == 422
    assert list(unnamed.get_json()["details"]) == ["corporation_id"]
    assert create(app_client, SERVICE, corporation_id=NOBODY).status_code == 404
    assert create(app_client, SERVICE, corporation_id=acme.id).status_code == 201
    assert app_client.get("/v1/users", headers=SERVICE).status_code == 422


def test_an_address_is_one_users_in_all_companies(app_client, acme, umbra):
    create(app_client, acme.admin)

    assert create(app_client, umbra.admin, "NEW@acme.example").status_code == 409


@pytest.mark.parametrize(
    ("field", "value"),
    [("role", "service"), ("role", "root"), ("role", 1), ("email", "x"), ("password", "short"),
     ("corporation_id", 0), ("corporation_id", True), ("corporation_id", "1"),
     ("corporation_id", 2**63)],
)  # fmt: skip
def test_a_field_that_breaks_the_contract_is_422_and_named(app_client, acme, field, value):
    answer = create(app_client, acme.admin, **{field: value})

    assert answer.status_code == 422
    assert list(answer.get_json()["details"]) == [field]


def test_nobody_becomes_a_service_by_the_api(app_client, acme):
    path = f"/v1/users/{acme.guest_id}"

    assert app_client.put(path, json={"role": "service"}, headers=acme.admin).status_code == 422


@pytest.mark.parametrize("local_part", ["a+b", "a%b", "a?b", "a#b", "a/b", "ü"])
def test_every_address_that_is_taken_can_be_asked_for(app_client, acme, local_part):
    address = f"{local_part}@acme.example"
    made = create(app_client, acme.admin, email=address)
    found = app_client.get(f"/v1/users/{quote(address, safe='')}", headers=acme.admin)

    assert (made.status_code, found.status_code) in ((201, 200), (422, 404))


@pytest.mark.usefixtures("umbra")
def test_a_list_holds_the_own_companys_users_and_no_deleted_one(app_client, acme):
    app_client.delete(f"/v1/users/{acme.other_guest_id}", headers=acme.admin)
    listed = app_client.get("/v1/users", headers=acme.admin)

    assert [user["id"] for user in listed.get_json()] == [acme.admin_id, acme.guest_id]
    assert listed.headers["X-Total-Count"] == "2"
    assert not any("password" in user for user in listed.get_json())


def test_an_outside_issuers_token_is_nobodys_account_whatever_number_it_names(
    client_with, acme, request
):
    issuer = Issuer(rsa_key())
    request.addfinalizer(issuer.stop)
    client = client_with(jwt_jwks_url=issuer.url)
    theirs = {"Authorization": rsa_key().bearer(str(acme.guest_id))}
    path = f"/v1/users/id/{acme.guest_id}"

    assert client.get(path, headers=theirs).status_code == 403
    assert client.delete(f"/v1/users/{acme.guest_id}", headers=theirs).status_code == 403
    assert client.get(path, headers=acme.guest).status_code == 200


def test_a_user_changes_its_password_but_not_its_role(app_client, acme):
    path = f"/v1/users/{acme.guest_id}"

    assert app_client.put(path, json={"role": "admin"}, headers=acme.guest).status_code == 403
    changed = app_client.put(path, json={"password": PASSWORD}, headers=acme.guest)
    assert (changed.status_code, changed.get_json()["role"]) == (200, "guest")


def test_the_last_admin_can_be_neither_deleted_nor_demoted_nor_leave(app_client, acme):
    path = f"/v1/users/{acme.admin_id}"

    assert app_client.delete(path, headers=acme.admin).status_code == 409
    assert app_client.put(path, json={"role": "guest"}, headers=acme.admin).status_code == 409
    app_client.put(f"/v1/users/{acme.guest_id}", json={"role": "admin"}, headers=acme.admin)
    assert app_client.delete(path, headers=acme.admin).status_code == 204


@pytest.mark.soak
def test_two_admins_who_remove_each_other_at_once_leave_one(app_client, acme, sql, effort):
    clients = app_client.application.test_client
    pair = {acme.admin_id: acme.guest_id, acme.guest_id: acme.admin_id}
    for _ in range(effort(5, 100)):
        sql.execute(
            "UPDATE users SET role = 'admin', deleted_at = NULL WHERE id = ANY(%s)", (list(pair),)
        )
        together = threading.Barrier(2)

        def remove(own, together=together):
            together.wait()
            headers = member(own, acme.id, "admin")
            return clients().delete(f"/v1/users/{pair[own]}", headers=headers).status_code

        with ThreadPoolExecutor(2) as pool:
            statuses = sorted(pool.map(remove, pair))

        assert statuses in ([204, 409], [204, 401])
        left = sql.execute(
            "SELECT id FROM users WHERE deleted_at IS NULL AND role = 'admin'"
        ).fetchall()
        assert len(left) == 1


def test_a_deleted_user_is_gone_and_its_address_free(app_client, acme):
    path = f"/v1/users/id/{acme.guest_id}"

    assert app_client.delete(f"/v1/users/{acme.guest_id}", headers=acme.guest).status_code == 204
    assert app_client.get(path, headers=acme.admin).status_code == 404
    assert create(app_client, acme.admin, "guest@acme.example").status_code == 201


def test_tokens_of_no_user_are_404(app_client, acme):
    assert app_client.get(f"/v1/tokens/{NOBODY}", headers=acme.admin).status_code == 404
