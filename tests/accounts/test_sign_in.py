"""Signing in, keeping signed in, signing out."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from resume_service.accounts import passwords
from tests.support.fixtures.companies import PASSWORD, SERVICE, from_a_client_of_its_own
from tests.support.long_timeouts import long_timeout_app
from tests.support.tokens import SECRET

EMAIL = "ann@acme.example"

pytestmark = pytest.mark.usefixtures("ann")


@pytest.fixture
def ann(app_client):
    """An admin who can sign in."""
    body = {"name": "acme", "admin_email": EMAIL, "admin_password": PASSWORD}
    company = app_client.post("/v1/corporations", json=body, headers=from_a_client_of_its_own())
    return company.get_json()


def post(client, path, headers=None, **body):
    given = from_a_client_of_its_own() if headers is None else headers
    return client.post(f"/v1/{path}", json=body, headers=given)


def login(client, email=EMAIL, password=PASSWORD, headers=None):
    return post(client, "auth/login", headers, email=email, password=password)


def refresh(client, pair):
    return post(client, "auth/refresh", refresh_token=pair["refresh_token"])


def bearer_of(pair):
    return {"Authorization": f"Bearer {pair['access_token']}"}


def test_a_sign_in_gives_a_pair_whose_access_token_works_on_every_route(app_client, ann):
    pair = login(app_client).get_json()
    me = app_client.get(f"/v1/users/{EMAIL}", headers=bearer_of(pair)).get_json()
    point = {"clerkId": str(me["id"]), "tmdbId": "v", "currentTime": 5}
    saved = app_client.post("/api/progress", json=point, headers=bearer_of(pair))

    assert (pair["token_type"], pair["expires_in"]) == ("Bearer", 900)
    assert (me["email"], me["role"], me["corporation_id"]) == (EMAIL, "admin", ann["id"])
    assert saved.status_code == 204
    assert app_client.get("/v1/users", headers=bearer_of(pair)).status_code == 200
    assert app_client.get("/api/history", headers=bearer_of(pair)).status_code == 200


def test_a_token_states_the_user_its_role_and_company_and_holds_a_quarter_of_an_hour(
    app_client, ann
):
    claims = jwt.decode(login(app_client).get_json()["access_token"], SECRET, ["HS256"])

    assert claims["sub"].isdigit()
    assert (claims["role"], claims["corporation_id"]) == ("admin", ann["id"])
    assert claims["exp"] - claims["iat"] == 900


def test_a_token_carries_what_its_own_service_asks_of_tokens(client_with):
    client = client_with(
        jwt_issuer="https://us.example",
        jwt_audience="players",
        jwt_authorized_parties=("https://web.example",),
    )
    post(client, "corporations", name="acme", admin_email=EMAIL, admin_password=PASSWORD)
    pair = login(client).get_json()

    assert client.get("/v1/users", headers=bearer_of(pair)).status_code == 200


@pytest.mark.parametrize("email", [EMAIL.upper(), f"  {EMAIL}  ", "Ann@Acme.Example"])
def test_an_address_is_the_same_in_any_spelling(app_client, email):
    assert login(app_client, email).status_code == 200


@pytest.mark.parametrize("password", [PASSWORD.upper(), PASSWORD + " ", "x" * 128, "12345678"])
def test_a_wrong_password_and_an_unknown_address_are_told_in_the_same_words(app_client, password):
    wrong = login(app_client, password=password)
    unknown = login(app_client, "nobody@acme.example", password)

    assert (wrong.status_code, wrong.data) == (401, unknown.data)
    assert unknown.status_code == 401
    assert set(wrong.headers.keys()) == set(unknown.headers.keys())


@pytest.mark.real_passwords
def test_an_unknown_address_costs_the_same_work_as_a_wrong_password(app_client, monkeypatch):
    """The figures are in bench/SIGN_IN.md; here, what they come from."""
    verified = []
    real = passwords._hasher
    monkeypatch.setattr(passwords, "_hasher", Spy(real, verified))
    login(app_client, password="wrong password")
    login(app_client, "nobody@acme.example")

    of_ann, of_nobody = (real_parameters(each) for each in verified)
    assert of_ann == of_nobody


class Spy:
    def __init__(self, hasher, verified):
        self._hasher, self._verified = hasher, verified
        self.hash = hasher.hash

    def verify(self, password_hash, password):
        self._verified.append(password_hash)
        return self._hasher.verify(password_hash, password)


def real_parameters(password_hash):
    return password_hash.split("$")[1:4]


@pytest.mark.real_passwords
def test_passwords_are_kept_as_argon2id(sql):
    [[kept]] = sql.execute("SELECT password_hash FROM users").fetchall()

    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_deleted_user_signs_in_no_more_and_its_address_is_free_again(app_client, sql):
    sql.execute("UPDATE users SET deleted_at = now()")
    refused = login(app_client)
    again = post(app_client, "corporations", name="b", admin_email=EMAIL, admin_password=PASSWORD)

    assert (refused.status_code, again.status_code) == (401, 201)
    assert login(app_client).status_code == 200


def test_a_refresh_token_is_changed_for_a_new_pair_again_and_again(app_client):
    first = login(app_client).get_json()
    second = refresh(app_client, first).get_json()
    third = refresh(app_client, second)

    assert third.status_code == 200
    assert len({pair["refresh_token"] for pair in (first, second, third.get_json())}) == 3
    assert app_client.get("/v1/users", headers=bearer_of(third.get_json())).status_code == 200


def test_a_spent_refresh_token_used_again_ends_that_sign_in_and_no_other(app_client):
    stolen, elsewhere = login(app_client).get_json(), login(app_client).get_json()
    mine = refresh(app_client, stolen).get_json()

    assert refresh(app_client, stolen).status_code == 401
    assert refresh(app_client, mine).status_code == 401
    assert refresh(app_client, elsewhere).status_code == 200


@pytest.mark.soak
def test_of_many_uses_of_one_refresh_token_at_once_one_succeeds_and_none_of_its_family_is_left(
    app_client, real_redis, effort
):
    client_of = app_client.application.test_client
    for _ in range(effort(3, 50)):
        real_redis.flushall()  # so that no limit is met
        pair = login(app_client).get_json()
        together = threading.Barrier(8)

        def use(_, pair=pair, together=together):
            together.wait()
            return refresh(client_of(), pair)

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(use, range(8)))

        assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 7}
        [winner] = [answer.get_json() for answer in answers if answer.status_code == 200]
        assert refresh(app_client, winner).status_code == 401


@pytest.mark.soak
def test_rotating_on_while_a_spent_token_comes_back_leaves_nothing_that_holds(
    app_client, real_redis, effort
):
    """The thief's use and the owner's next one race; whoever comes first, all of it ends."""
    client_of = app_client.application.test_client
    for _ in range(effort(4, 100)):
        real_redis.flushall()  # so that no limit is met
        spent = login(app_client).get_json()
        current = refresh(app_client, spent).get_json()
        with ThreadPoolExecutor(2) as pool:
            thief = pool.submit(refresh, client_of(), spent)
            owner = pool.submit(refresh, client_of(), current)
        assert thief.result().status_code == 401
        if owner.result().status_code == 200:
            assert refresh(app_client, owner.result().get_json()).status_code == 401


def test_after_28_days_a_refresh_token_holds_no_more(app_client, sql):
    pair = login(app_client).get_json()
    [[expires]] = sql.execute("SELECT expires_at FROM refresh_tokens").fetchall()
    sql.execute("UPDATE refresh_tokens SET expires_at = now() - interval '1 second'")

    assert timedelta(0) <= datetime.now(UTC) + timedelta(days=28) - expires < timedelta(minutes=1)
    assert refresh(app_client, pair).status_code == 401


def test_a_spent_token_used_again_after_it_expired_ends_its_sign_in_too(app_client, sql):
    spent = login(app_client).get_json()
    current = refresh(app_client, spent).get_json()
    sql.execute(
        "UPDATE refresh_tokens SET expires_at = now() - interval '1 second' WHERE spent_at IS NOT NULL"
    )

    assert refresh(app_client, spent).status_code == 401
    assert refresh(app_client, current).status_code == 401


def test_signing_out_ends_the_sign_in_and_never_fails(app_client):
    pair = login(app_client).get_json()
    newer = refresh(app_client, pair).get_json()
    out = [post(app_client, "auth/logout", refresh_token=newer["refresh_token"]) for _ in range(2)]

    assert [answer.status_code for answer in out] == [204, 204]
    assert refresh(app_client, newer).status_code == 401
    assert post(app_client, "auth/logout", refresh_token="never-given").status_code == 204


def test_a_new_password_ends_every_sign_in(app_client):
    pair = login(app_client).get_json()
    me = app_client.get(f"/v1/users/{EMAIL}", headers=bearer_of(pair)).get_json()
    change = {"password": "battery staple"}
    changed = app_client.put(f"/v1/users/{me['id']}", json=change, headers=bearer_of(pair))

    assert changed.status_code == 200
    assert refresh(app_client, pair).status_code == 401
    assert login(app_client).status_code == 401
    assert login(app_client, password="battery staple").status_code == 200


def test_refresh_tokens_are_kept_as_hashes_and_listed_without_themselves(app_client, sql):
    pair = login(app_client).get_json()
    me = app_client.get(f"/v1/users/{EMAIL}", headers=bearer_of(pair)).get_json()
    listed = app_client.get(f"/v1/tokens/{me['id']}", headers=bearer_of(pair))
    [[kept]] = sql.execute("SELECT token_hash FROM refresh_tokens").fetchall()

    assert [set(token) for token in listed.get_json()] == [
        {"id", "created_at", "expires_at", "revoked_at"}
    ]
    assert listed.get_json()[0]["revoked_at"] is None
    assert pair["refresh_token"] not in listed.text
    assert len(kept) == 32


def test_the_eleventh_try_in_a_minute_for_one_address_is_429_wherever_it_comes_from(app_client):
    tries = [login(app_client, password="wrong password") for _ in range(10)]
    eleventh = login(app_client)

    assert {answer.status_code for answer in tries} == {401}
    assert tries[0].headers["RateLimit"].startswith('"sign-in-of-address";r=9;t=')
    assert eleventh.status_code == 429
    assert 1 <= int(eleventh.headers["Retry-After"]) <= 60
    assert eleventh.headers["RateLimit-Policy"] == '"sign-in-of-address";q=10;w=60'
    assert eleventh.headers["RateLimit"].startswith('"sign-in-of-address";r=0;t=')
    assert login(app_client, "bob@acme.example").status_code == 401


@pytest.mark.parametrize(
    ("client", "neighbour", "stranger"),
    [
        ("203.0.113.5", "203.0.113.5", "203.0.113.6"),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"),
        ("::ffff:203.0.113.5", "203.0.113.5:567", "::ffff:203.0.113.6"),
        ("[2001:db8:1:2::1]:567", "2001:db8:1:2::2", "[2001:db8:1:3::1]:567"),
    ],
)
def test_the_eleventh_try_of_one_client_is_429_whatever_addresses_it_tries(
    app_client, client, neighbour, stranger
):
    def try_from(address, number):
        return login(app_client, f"u{number}@a.example", headers={"X-Forwarded-For": address})

    tries = [try_from(client, number) for number in range(10)]

    assert {answer.status_code for answer in tries} == {401}
    assert try_from(neighbour, 11).status_code == 429
    assert try_from(stranger, 11).status_code == 401


def test_without_a_trusted_proxy_nobody_can_pretend_to_be_another_client(client_with):
    client = client_with(trusted_proxies=0)
    tries = [login(client, f"u{number}@a.example") for number in range(11)]

    assert [answer.status_code for answer in tries] == [401] * 10 + [429]


BAD = [
    {},
    {"email": EMAIL},
    {"email": "ann", "password": PASSWORD},
    {"email": f"a@{'b' * 250}.example", "password": PASSWORD},
    {"email": "a\u0000@b.example", "password": PASSWORD},
    {"email": ["a@b.example"], "password": PASSWORD},
    {"email": EMAIL, "password": "1234567"},
    {"email": EMAIL, "password": "x" * 129},
    {"email": EMAIL, "password": 12345678},
    {"email": EMAIL, "password": "\ud800" * 8},
]


@pytest.mark.parametrize("body", BAD, ids=repr)
def test_what_can_be_no_address_or_password_is_422(app_client, body):
    answer = app_client.post("/v1/auth/login", json=body, headers=from_a_client_of_its_own())

    assert answer.status_code == 422
    assert set(answer.get_json()["details"]) <= {"email", "password"}


@pytest.mark.parametrize("token", ["", 5, None, "x" * 129, "a b", "\ud800", "é"])
def test_what_can_be_no_refresh_token_is_422(app_client, token):
    assert post(app_client, "auth/refresh", refresh_token=token).status_code == 422


def test_passwords_and_tokens_are_in_no_log_answer_or_metric(app_client, caplog):
    caplog.set_level("DEBUG")
    pair = login(app_client).get_json()
    newer = refresh(app_client, pair).get_json()
    users = app_client.get("/v1/users", headers=bearer_of(newer)).text
    wrong = login(app_client, password="wrong password").text
    refresh(app_client, pair)
    metrics = app_client.get("/metrics").text
    told = f"{caplog.text}\n{metrics}\n{users}\n{wrong}"

    secrets = {PASSWORD, "wrong password", "$argon2", *pair.values(), *newer.values()}
    for secret in secrets - {"Bearer", 900}:
        assert secret not in told


def test_without_a_secret_to_sign_with_there_is_no_sign_in(client_with):
    client = client_with(long_timeout_app, jwt_secret=None, jwt_jwks_url="http://127.0.0.1:9/keys")
    documented = client.get("/openapi.json").get_json()["paths"]

    assert login(client).status_code == 404
    assert "/v1/auth/login" not in documented
    assert "/v1/users" in documented


def test_without_a_database_nothing_of_v1_is_there(client):
    assert login(client).status_code == 404
    assert client.get("/v1/videos", headers=SERVICE).status_code == 404
    assert not [
        path for path in client.get("/openapi.json").get_json()["paths"] if path.startswith("/v1/")
    ]
