"""Sign-in, refresh and sign-out."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from resume_service.accounts import passwords
from tests.support.fixtures.companies import PASSWORD, SERVICE, from_new_address
from tests.support.long_timeouts import long_timeout_app
from tests.support.tokens import SECRET

EMAIL = "ann@acme.example"

pytestmark = pytest.mark.usefixtures("ann")


@pytest.fixture
def ann(app_client):
    """An admin who can sign in."""
    body = {"name": "acme", "admin_email": EMAIL, "admin_password": PASSWORD}
    company = app_client.post("/v1/corporations", json=body, headers=from_new_address())
    return company.get_json()


def post(client, path, headers=None, **body):
    given = from_new_address() if headers is None else headers
    return client.post(f"/v1/{path}", json=body, headers=given)


def login(client, email=EMAIL, password=PASSWORD, headers=None):
    return post(client, "auth/login", headers, email=email, password=password)


def refresh(client, pair):
    return post(client, "auth/refresh", refresh_token=pair["refresh_token"])


def bearer_of(pair):
    return {"Authorization": f"Bearer {pair['access_token']}"}


def test_sign_in_returns_an_access_token_that_works_on_every_api(app_client, ann):
    pair = login(app_client).get_json()
    me = app_client.get(f"/v1/users/{EMAIL}", headers=bearer_of(pair)).get_json()
    point = {"clerkId": str(me["id"]), "tmdbId": "v", "currentTime": 5}
    saved = app_client.post("/api/progress", json=point, headers=bearer_of(pair))

    assert (pair["token_type"], pair["expires_in"]) == ("Bearer", 900)
    assert (me["email"], me["role"], me["corporation_id"]) == (EMAIL, "admin", ann["id"])
    assert saved.status_code == 204
    assert app_client.get("/v1/users", headers=bearer_of(pair)).status_code == 200
    assert app_client.get("/api/history", headers=bearer_of(pair)).status_code == 200


def test_an_access_token_states_role_and_company_and_expires_after_900_seconds(app_client, ann):
    claims = jwt.decode(login(app_client).get_json()["access_token"], SECRET, ["HS256"])

    assert claims["sub"].isdigit()
    assert (claims["role"], claims["corporation_id"]) == ("admin", ann["id"])
    assert claims["exp"] - claims["iat"] == 900


def test_own_tokens_pass_configured_issuer_audience_and_party_checks(client_with):
    client = client_with(
        jwt_issuer="https://us.example",
        jwt_audience="players",
        jwt_authorized_parties=("https://web.example",),
    )
    post(client, "corporations", name="acme", admin_email=EMAIL, admin_password=PASSWORD)
    pair = login(client).get_json()

    assert client.get("/v1/users", headers=bearer_of(pair)).status_code == 200


@pytest.mark.parametrize("email", [EMAIL.upper(), f"  {EMAIL}  ", "Ann@Acme.Example"])
def test_case_and_outer_spaces_of_an_email_are_ignored(app_client, email):
    assert login(app_client, email).status_code == 200


WRONG = [
    PASSWORD.upper(), PASSWORD + " ", "x" * 128, "12345678", "1234567", "", "x" * 129, "é" * 9_000,
    "\u0000" * 9, "\ud800" * 8, PASSWORD + "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("password", WRONG, ids=lambda text: ascii(text[:9]))
def test_a_wrong_password_and_an_unknown_email_give_the_same_401(app_client, password):
    wrong = login(app_client, password=password)
    unknown = login(app_client, "unknown@acme.example", password)

    assert (wrong.status_code, wrong.data) == (401, unknown.data)
    assert unknown.status_code == 401
    assert set(wrong.headers.keys()) == set(unknown.headers.keys())


@pytest.mark.real_passwords
def test_an_unknown_email_and_a_wrong_password_use_the_same_hash_parameters(
    app_client, monkeypatch
):
    """With the same parameters both take the same time: bench/SIGN_IN.md has the measurements."""
    verified = []
    real = passwords._hasher
    monkeypatch.setattr(passwords, "_hasher", RecordingHasher(real, verified, []))
    login(app_client, password="wrong password")
    login(app_client, "unknown@acme.example")

    of_ann, of_unknown = (hash_parameters(each) for each in verified)
    assert of_ann == of_unknown


class RecordingHasher:
    """A hasher that appends each hash to `verified`, and each password to `passwords`."""

    def __init__(self, hasher, verified, passwords):
        self._hasher, self._verified, self._passwords = hasher, verified, passwords
        self.hash = hasher.hash

    def verify(self, password_hash, password):
        self._verified.append(password_hash)
        self._passwords.append(password)
        return self._hasher.verify(password_hash, password)


def hash_parameters(password_hash):
    return password_hash.split("$")[1:4]


def test_every_wrong_password_is_hashed_once_and_at_most_128_characters_of_it(
    app_client, monkeypatch
):
    """So a refusal takes the same time for each wrong password."""
    hashed = []
    real = passwords._hasher
    monkeypatch.setattr(passwords, "_hasher", RecordingHasher(real, [], hashed))
    for number, password in enumerate(WRONG):
        assert login(app_client, f"u{number}@acme.example", password).status_code == 401

    assert len(hashed) == len(WRONG)
    assert max(len(text.decode()) for text in hashed) == 128


@pytest.mark.real_passwords
def test_passwords_are_stored_as_argon2id_hashes(sql):
    [[stored]] = sql.execute("SELECT password_hash FROM users").fetchall()

    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_deleted_user_cannot_sign_in_and_its_email_can_be_used_again(app_client, sql):
    sql.execute("UPDATE users SET deleted_at = now()")
    refused = login(app_client)
    again = post(app_client, "corporations", name="b", admin_email=EMAIL, admin_password=PASSWORD)

    assert (refused.status_code, again.status_code) == (401, 201)
    assert login(app_client).status_code == 200


def test_each_refresh_returns_a_new_pair(app_client):
    first = login(app_client).get_json()
    second = refresh(app_client, first).get_json()
    third = refresh(app_client, second)

    assert third.status_code == 200
    assert len({pair["refresh_token"] for pair in (first, second, third.get_json())}) == 3
    assert app_client.get("/v1/users", headers=bearer_of(third.get_json())).status_code == 200


def test_reuse_of_a_spent_refresh_token_revokes_only_its_family(app_client):
    stolen, elsewhere = login(app_client).get_json(), login(app_client).get_json()
    mine = refresh(app_client, stolen).get_json()

    assert refresh(app_client, stolen).status_code == 401
    assert refresh(app_client, mine).status_code == 401
    assert refresh(app_client, elsewhere).status_code == 200


@pytest.mark.soak
def test_one_of_eight_concurrent_uses_succeeds_and_the_family_is_revoked(
    app_client, real_redis, effort
):
    client_of = app_client.application.test_client
    for _ in range(effort(3, 50)):
        real_redis.flushall()  # resets the rate limits
        pair = login(app_client).get_json()
        start = threading.Barrier(8)

        def use(_, pair=pair, start=start):
            start.wait()
            return refresh(client_of(), pair)

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(use, range(8)))

        assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 7}
        [winner] = [answer.get_json() for answer in answers if answer.status_code == 200]
        assert refresh(app_client, winner).status_code == 401


@pytest.mark.soak
def test_reuse_of_a_spent_token_during_a_refresh_revokes_the_family(app_client, real_redis, effort):
    """A thief and the owner refresh at once. In either order, no token stays valid."""
    client_of = app_client.application.test_client
    for _ in range(effort(4, 100)):
        real_redis.flushall()  # resets the rate limits
        spent = login(app_client).get_json()
        current = refresh(app_client, spent).get_json()
        with ThreadPoolExecutor(2) as pool:
            thief = pool.submit(refresh, client_of(), spent)
            owner = pool.submit(refresh, client_of(), current)
        assert thief.result().status_code == 401
        if owner.result().status_code == 200:
            assert refresh(app_client, owner.result().get_json()).status_code == 401


def test_a_refresh_token_expires_after_28_days(app_client, sql):
    pair = login(app_client).get_json()
    [[expires]] = sql.execute("SELECT expires_at FROM refresh_tokens").fetchall()
    sql.execute("UPDATE refresh_tokens SET expires_at = now() - interval '1 second'")

    assert timedelta(0) <= datetime.now(UTC) + timedelta(days=28) - expires < timedelta(minutes=1)
    assert refresh(app_client, pair).status_code == 401


def test_reuse_of_an_expired_spent_token_revokes_its_family(app_client, sql):
    spent = login(app_client).get_json()
    current = refresh(app_client, spent).get_json()
    sql.execute(
        "UPDATE refresh_tokens SET expires_at = now() - interval '1 second' WHERE spent_at IS NOT NULL"
    )

    assert refresh(app_client, spent).status_code == 401
    assert refresh(app_client, current).status_code == 401


def test_sign_out_revokes_the_family_and_never_fails(app_client):
    pair = login(app_client).get_json()
    newer = refresh(app_client, pair).get_json()
    out = [post(app_client, "auth/logout", refresh_token=newer["refresh_token"]) for _ in range(2)]

    assert [answer.status_code for answer in out] == [204, 204]
    assert refresh(app_client, newer).status_code == 401
    assert post(app_client, "auth/logout", refresh_token="never-issued").status_code == 204


def test_a_new_password_revokes_refresh_tokens(app_client):
    pair = login(app_client).get_json()
    me = app_client.get(f"/v1/users/{EMAIL}", headers=bearer_of(pair)).get_json()
    change = {"password": "battery staple"}
    changed = app_client.put(f"/v1/users/{me['id']}", json=change, headers=bearer_of(pair))

    assert changed.status_code == 200
    assert refresh(app_client, pair).status_code == 401
    assert login(app_client).status_code == 401
    assert login(app_client, password="battery staple").status_code == 200


def test_refresh_tokens_are_stored_as_hashes_and_lists_omit_them(app_client, sql):
    pair = login(app_client).get_json()
    me = app_client.get(f"/v1/users/{EMAIL}", headers=bearer_of(pair)).get_json()
    listed = app_client.get(f"/v1/tokens/{me['id']}", headers=bearer_of(pair))
    [[stored]] = sql.execute("SELECT token_hash FROM refresh_tokens").fetchall()

    assert [set(token) for token in listed.get_json()] == [
        {"id", "created_at", "expires_at", "revoked_at"}
    ]
    assert listed.get_json()[0]["revoked_at"] is None
    assert pair["refresh_token"] not in listed.text
    assert len(stored) == 32


def test_the_eleventh_try_for_one_email_is_429_from_any_client(app_client):
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
def test_the_eleventh_try_of_one_client_is_429_for_any_email(
    app_client, client, neighbour, stranger
):
    def try_from(address, number):
        return login(app_client, f"u{number}@a.example", headers={"X-Forwarded-For": address})

    tries = [try_from(client, number) for number in range(10)]

    assert {answer.status_code for answer in tries} == {401}
    assert try_from(neighbour, 11).status_code == 429
    assert try_from(stranger, 11).status_code == 401


def test_without_a_trusted_proxy_the_forwarded_address_is_ignored(client_with):
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
    {"email": EMAIL, "password": 12345678},
    {"email": EMAIL, "password": None},
    {"email": EMAIL, "password": [PASSWORD]},
]


@pytest.mark.parametrize("body", BAD, ids=repr)
def test_an_invalid_email_or_a_password_that_is_no_text_is_422(app_client, body):
    answer = app_client.post("/v1/auth/login", json=body, headers=from_new_address())

    assert answer.status_code == 422
    assert set(answer.get_json()["details"]) <= {"email", "password"}


@pytest.mark.parametrize("token", ["", 5, None, "x" * 129, "a b", "\ud800", "é"])
def test_an_invalid_refresh_token_is_422(app_client, token):
    assert post(app_client, "auth/refresh", refresh_token=token).status_code == 422


def test_logs_responses_and_metrics_contain_no_password_or_token(app_client, caplog):
    caplog.set_level("DEBUG")
    pair = login(app_client).get_json()
    newer = refresh(app_client, pair).get_json()
    users = app_client.get("/v1/users", headers=bearer_of(newer)).text
    wrong = login(app_client, password="wrong password").text
    refresh(app_client, pair)
    metrics = app_client.get("/metrics").text
    output = f"{caplog.text}\n{metrics}\n{users}\n{wrong}"

    secrets = {PASSWORD, "wrong password", "$argon2", *pair.values(), *newer.values()}
    for secret in secrets - {"Bearer", 900}:
        assert secret not in output


def test_without_a_signing_secret_sign_in_is_absent(client_with):
    client = client_with(long_timeout_app, jwt_secret=None, jwt_jwks_url="http://127.0.0.1:9/keys")
    documented = client.get("/openapi.json").get_json()["paths"]

    assert login(client).status_code == 404
    assert "/v1/auth/login" not in documented
    assert "/v1/users" in documented


def test_without_a_database_v1_is_absent(client):
    assert login(client).status_code == 404
    assert client.get("/v1/videos", headers=SERVICE).status_code == 404
    assert not [
        path for path in client.get("/openapi.json").get_json()["paths"] if path.startswith("/v1/")
    ]
