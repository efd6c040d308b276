"""Companies: created with an admin, updated, and deleted with their users and videos."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from resume_service.clock import iso
from tests.support.fixtures.companies import PASSWORD, SERVICE, from_new_address


def sign_up(client, name="acme", email="ann@acme.example", headers=None, **more):
    body = {"name": name, "admin_email": email, "admin_password": PASSWORD} | more
    given = from_new_address() | (headers or {})
    return client.post("/v1/corporations", json=body, headers=given)


def in_days(days):
    return datetime.now(UTC) + timedelta(days=days)


def test_sign_up_creates_a_company_and_its_admin(app_client, sql):
    made = sign_up(app_client)
    company = made.get_json()
    [[role, owner]] = sql.execute("SELECT role, corporation_id FROM users").fetchall()

    assert made.status_code == 201
    assert company == {
        "id": owner, "name": "acme", "plan": "FREE", "plan_expires_at": None,
        "created_at": company["created_at"], "updated_at": company["created_at"],
    }  # fmt: skip
    assert role == "admin"


def test_a_company_without_a_plan_is_free(app_client):
    company = sign_up(app_client).get_json()

    assert (company["plan"], company["plan_expires_at"]) == ("FREE", None)


def test_only_a_service_creates_a_company_with_another_plan_than_free(app_client, acme):
    paid = {"plan": "PAID", "plan_expires_at": "2099-01-01T02:00:00+02:00"}
    callers = ({}, acme.guest, acme.admin, {"Authorization": "Bearer none"})
    refused = [sign_up(app_client, "new", "n@new.example", each, **paid) for each in callers]
    made = sign_up(app_client, "new", "n@new.example", SERVICE, **paid)

    assert [answer.status_code for answer in refused] == [403] * len(callers)
    assert refused[0].get_json() == {"error": "Only a service may choose this plan"}
    assert made.status_code == 201
    assert made.get_json()["plan"] == "PAID"
    assert made.get_json()["plan_expires_at"] == "2099-01-01T00:00:00.000Z"


def test_signup_plan_lets_any_client_choose_that_plan_or_free(client_with):
    client = client_with(signup_plan="PAID")
    paid = sign_up(client, "a", "a@a.example", plan="PAID")
    free = sign_up(client, "b", "b@b.example", plan="FREE")
    none = sign_up(client, "c", "c@c.example")

    assert [each.get_json()["plan"] for each in (paid, free, none)] == ["PAID", "FREE", "FREE"]


SPELLINGS = ("plan_expires_at", "plan_expired_at", "plan_expire_at")
IN_2099 = "2099-01-01T00:00:00.000Z"


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_each_spelling_of_the_expiry_is_accepted_at_sign_up_and_in_updates(app_client, spelling):
    made = sign_up(app_client, headers=SERVICE, plan="PAID", **{spelling: IN_2099}).get_json()
    path = f"/v1/corporations/{made['id']}"
    never = app_client.put(path, json={spelling: None}, headers=SERVICE).get_json()
    later = {spelling: "2100-01-01T00:00:00Z"}
    extended = app_client.put(path, json=later, headers=SERVICE).get_json()

    assert made["plan_expires_at"] == IN_2099
    assert never["plan_expires_at"] is None
    assert extended["plan_expires_at"] == "2100-01-01T00:00:00.000Z"
    assert set(made) & set(SPELLINGS) == {"plan_expires_at"}


@pytest.mark.parametrize("other", ["2099-01-01T00:00:00.001Z", None])
def test_two_spellings_with_different_values_are_422(app_client, acme, other):
    expiries = {"plan_expires_at": IN_2099, "plan_expire_at": other}
    new = sign_up(app_client, "new", "n@new.example", SERVICE, plan="PAID", **expiries)
    path = f"/v1/corporations/{acme.id}"
    changed = app_client.put(path, json=expiries, headers=acme.admin)

    for answer in (new, changed):
        assert answer.status_code == 422
        assert set(answer.get_json()["details"]) == set(expiries)


def test_two_spellings_of_the_same_time_are_accepted(app_client):
    same = {"plan_expired_at": IN_2099, "plan_expire_at": "2099-01-01T02:00:00+02:00"}
    made = sign_up(app_client, headers=SERVICE, plan="PAID", **same)

    assert made.get_json()["plan_expires_at"] == IN_2099


def test_a_free_plan_has_no_expiry(app_client):
    company = sign_up(app_client, plan="FREE", plan_expires_at="2099-01-01T00:00:00Z").get_json()

    assert (company["plan"], company["plan_expires_at"]) == ("FREE", None)


def test_sign_up_with_a_taken_name_or_email_is_409_and_stores_nothing(app_client, sql):
    sign_up(app_client)
    name = sign_up(app_client, email="bob@acme.example")
    address = sign_up(app_client, "umbra", email="ANN@acme.example")
    companies = sql.execute("SELECT name FROM corporations").fetchall()
    users = sql.execute("SELECT email FROM users").fetchall()

    assert (name.status_code, address.status_code) == (409, 409)
    assert name.get_json() == {"error": "There is a company of this name"}
    assert address.get_json() == {"error": "There is a user with this address"}
    assert (companies, users) == ([("acme",)], [("ann@acme.example",)])


def test_one_of_six_concurrent_sign_ups_gets_the_name(app_client, sql):
    clients = app_client.application.test_client

    def sign_up_user(number):
        return sign_up(clients(), email=f"u{number}@acme.example").status_code

    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(pool.map(sign_up_user, range(6)))

    assert statuses == [201] + [409] * 5
    assert len(sql.execute("SELECT 1 FROM users").fetchall()) == 1
    assert len(sql.execute("SELECT 1 FROM corporations").fetchall()) == 1


def test_with_sign_up_closed_only_a_service_creates_companies(client_with):
    client = client_with(signup_open=False)

    assert sign_up(client).status_code == 403
    assert sign_up(client, headers=SERVICE).status_code == 201


def test_the_eleventh_sign_up_in_a_minute_from_one_address_is_429(app_client):
    def headers():
        return {"X-Forwarded-For": "203.0.113.9"}

    made = [sign_up(app_client, f"c{n}", f"a@c{n}.example", headers=headers()) for n in range(11)]

    assert [answer.status_code for answer in made] == [201] * 10 + [429]
    assert int(made[-1].headers["Retry-After"]) >= 1


BAD = [
    ("name", ["", " ", ".", "..", "a/b", "a\nb", "x" * 129, 5, None, "\u0000"]),
    ("plan", ["paid", "", None, 1]),
    ("plan_expires_at", ["tomorrow", "2099-01-01T00:00:00", 5, "9999-12-31T23:59:59-23:59"]),
    ("plan_expired_at", ["tomorrow", 5]),
    ("plan_expire_at", ["2099-01-01", ""]),
    ("admin_email", ["", "ann", "ann@", "a b@c.example", None]),
    ("admin_password", ["", "1234567", "x" * 129, None, 12345678]),
]


@pytest.mark.parametrize(("field", "value"), [(f, value) for f, values in BAD for value in values])
def test_an_invalid_field_is_422_and_named(app_client, field, value):
    answer = sign_up(app_client, **{field: value})

    assert answer.status_code == 422
    assert list(answer.get_json()["details"]) == [field]


def test_a_company_is_found_by_id_and_by_name(app_client, create_company):
    create_company("Ünder & Over: 100%")
    named = app_client.get("/v1/corporations/Ünder & Over: 100%25").get_json()

    assert named["name"] == "Ünder & Over: 100%"
    assert app_client.get(f"/v1/corporations/id/{named['id']}").get_json() == named
    assert app_client.get("/v1/corporations/unknown").status_code == 404
    assert app_client.get("/v1/corporations/%00").status_code == 404


def test_an_update_changes_only_the_given_fields(app_client, acme):
    soon = in_days(1)
    path = f"/v1/corporations/{acme.id}"
    dated = app_client.put(path, json={"plan_expires_at": iso(soon)}, headers=acme.admin)
    renamed = app_client.put(path, json={"name": "acme 2"}, headers=acme.admin)
    unchanged = app_client.put(path, json={}, headers=acme.admin)

    assert dated.get_json()["plan_expires_at"] == iso(soon)
    assert renamed.get_json()["name"] == "acme 2"
    assert renamed.get_json()["plan_expires_at"] == iso(soon)
    assert unchanged.get_json()["name"] == "acme 2"


def test_switching_to_free_clears_the_plan_expiry(app_client, create_company):
    acme = create_company("acme", expires=in_days(1))
    path = f"/v1/corporations/{acme.id}"
    app_client.put(path, json={"plan": "FREE"}, headers=acme.admin)
    paid = app_client.put(path, json={"plan": "PAID"}, headers=acme.admin).get_json()

    assert (paid["plan"], paid["plan_expires_at"]) == ("PAID", None)


@pytest.mark.parametrize("before", [{"plan": "FREE"}, {"expires": in_days(-1)}])
def test_switching_to_paid_clears_an_expiry_in_the_past(app_client, create_company, before):
    acme = create_company("acme", **before)
    path = f"/v1/corporations/{acme.id}"
    app_client.put(path, json={"plan_expires_at": "2020-01-01T00:00:00Z"}, headers=acme.admin)
    paid = app_client.put(path, json={"plan": "PAID"}, headers=acme.admin).get_json()

    assert (paid["plan"], paid["plan_expires_at"]) == ("PAID", None)


@pytest.fixture(params=["Europe/Berlin", "America/New_York"])
def zone(request, sql):
    """Set the default time zone of the database."""
    [[database]] = sql.execute("SELECT current_database()").fetchall()
    sql.execute(f"ALTER DATABASE {database} SET timezone = '{request.param}'")
    yield
    sql.execute(f"ALTER DATABASE {database} RESET timezone")


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize("expires", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
def test_the_first_and_last_dates_are_read_in_any_time_zone(app_client, expires):
    made = sign_up(app_client, plan="PAID", plan_expires_at=expires, headers=SERVICE)
    listed = app_client.get("/v1/corporations")

    assert (made.status_code, listed.status_code) == (201, 200)
    shown = expires.replace("Z", ".000Z")
    assert [company["plan_expires_at"] for company in listed.get_json()] == [
        shown if expires > "9" else None
    ]


@pytest.mark.usefixtures("umbra")
def test_renaming_to_a_taken_name_is_409(app_client, acme):
    path = f"/v1/corporations/{acme.id}"
    answer = app_client.put(path, json={"name": "umbra"}, headers=acme.admin)

    assert answer.status_code == 409


def test_deleting_a_company_deletes_users_and_videos_and_revokes_tokens(
    app_client, sql, acme, umbra, create_video
):
    mine, theirs = create_video(acme.id), create_video(umbra.id)
    sql.execute(
        "INSERT INTO refresh_tokens (user_id, family, token_hash, created_at, expires_at)"
        " VALUES (%s, gen_random_uuid(), 'x', now(), now() + interval '1 day')",
        (acme.guest_id,),
    )
    deleted = app_client.delete(f"/v1/corporations/{acme.id}", headers=acme.admin)
    [[revoked]] = sql.execute("SELECT revoked_at FROM refresh_tokens").fetchall()

    assert deleted.status_code == 204
    assert app_client.get("/v1/corporations/acme").status_code == 404
    assert app_client.get(f"/v1/videos/id/{mine}").status_code == 404
    assert app_client.get(f"/v1/videos/id/{theirs}").status_code == 200
    assert app_client.get(f"/v1/users/id/{acme.guest_id}", headers=acme.guest).status_code == 401
    assert app_client.get(f"/v1/users/id/{umbra.guest_id}", headers=umbra.guest).status_code == 200
    assert revoked is not None


def test_the_name_of_a_deleted_company_can_be_used_again(app_client, acme):
    app_client.delete(f"/v1/corporations/{acme.id}", headers=acme.admin)

    assert sign_up(app_client).status_code == 201


def test_a_page_of_a_list_has_the_total_and_links(app_client, create_company):
    for number in range(5):
        create_company(f"c{number}")
    path = "/v1/corporations?per_page=2"
    first, second, last = (app_client.get(f"{path}&page={page}") for page in (1, 2, 3))

    assert [[c["name"] for c in page.get_json()] for page in (first, second, last)] == [
        ["c0", "c1"], ["c2", "c3"], ["c4"],
    ]  # fmt: skip
    assert {page.headers["X-Total-Count"] for page in (first, second, last)} == {"5"}
    assert second.headers["Link"] == (
        '</v1/corporations?per_page=2&page=1>; rel="first",'
        ' </v1/corporations?per_page=2&page=1>; rel="prev",'
        ' </v1/corporations?per_page=2&page=3>; rel="next",'
        ' </v1/corporations?per_page=2&page=3>; rel="last"'
    )
    assert "next" not in last.headers["Link"]
    assert "prev" not in first.headers["Link"]


@pytest.mark.parametrize("query", ["page=0", "page=x", "per_page=101", "per_page=0", "page=1.5"])
def test_an_invalid_page_or_page_size_is_422(app_client, query):
    assert app_client.get(f"/v1/corporations?{query}").status_code == 422


@pytest.mark.usefixtures("acme")
def test_a_page_after_the_last_is_empty(app_client):
    answer = app_client.get("/v1/corporations?page=1000000")

    assert (answer.get_json(), answer.headers["X-Total-Count"]) == ([], "1")
