"""Tokens of an outside issuer with a number as `sub`, as the ids of our own accounts are."""

from __future__ import annotations

import json

import pytest

from resume_service.auth.identity import Identity
from resume_service.auth.verifier import Verifier
from resume_service.errors import Unauthorized
from resume_service.ids import RESERVED_USER_IDS
from resume_service.settings import Settings
from tests.support.jwks_issuer import rsa_key
from tests.support.long_timeouts import app_without_openapi
from tests.support.tokens import SECRET, bearer, token

ROUTES = {
    "POST /api/progress": {"clerkId": "{user}", "tmdbId": "{video}", "currentTime": 5},
    "GET /api/progress/{user}": None,
    "GET /api/progress/{user}/{video}": None,
    "GET /api/progress/{user}?status=watched": None,
    "POST /videos/{video}/progress": {"progress_rate": 5},
    "GET /videos/{video}/progress": None,
    "POST /api/v1/playback/movie/{movie}": {"position_seconds": 5, "duration_seconds": 9},
    "GET /api/v1/playback/movie/{movie}": None,
    "GET /api/v1/playback/episode/{movie}": None,
    "GET /api/history": None,
    "GET /api/progress/lessons": None,
    "GET /api/progress/summary": None,
    "POST /api/progress/lessons/4f9a8d6e-8f0a-4c57-9d2e-0b7c3f0d1a2b": {},
    "GET /v1/course": None,
    "GET /v1/users": None,
    "GET /v1/users/id/{user}": None,
    "PUT /v1/users/{user}": {"password": "another password"},
    "GET /v1/videos/stream/{video}": None,
    "POST /v1/view-logs": {"video_id": 1},
    "GET /v1/view-logs/{user}/{video}": None,
    "DELETE /api/progress/{user}/{video}": None,
}
NUMBERS = ["0", "7", "007", str(2**63 - 1), str(2**63), "110169484474386276334", "9" * 128]
OTHER_SUBJECTS = [
    "7a",
    "user_7",
    "-7",
    "+7",
    "7.0",
    "1e3",
    "0x7",
    "7_0",
    "\u0667",
    "\uff17",
    "\u00b2",
    "7%20",
]
FALSE, TRUE = {"jwt_trust_claims": False}, {"jwt_trust_claims": True}


def outside(subject, **claims):
    return {"Authorization": rsa_key().bearer(subject, **claims)}


def refuses(verifier, header):
    try:
        verifier.identify(header["Authorization"])
    except Unauthorized:
        return True
    return False


@pytest.fixture
def ask(acme, create_video):
    """`ask(client, route, headers)` calls a route for a guest of acme and a video of acme."""
    ids = {
        "{user}": str(acme.guest_id),
        "{video}": str(create_video(acme.id)),
        "{movie}": str(create_video(acme.id, kind="movie")),
    }

    def call(client, route, headers):
        method, path = route.split()
        body = json.dumps(ROUTES[route])
        for name, value in ids.items():
            path, body = path.replace(name, value), body.replace(name, value)
        data = None if ROUTES[route] is None else body
        return client.open(
            path, method=method, data=data, headers=headers, content_type="application/json"
        )

    return call


@pytest.mark.parametrize("settings", [FALSE, TRUE], ids=["ignored claims", "trusted claims"])
def test_no_route_serves_an_account_to_an_outside_token_with_its_number(
    client_with, acme, ask, issuer, settings
):
    client = client_with(jwt_jwks_url=issuer.url, **settings)
    assert ask(client, "POST /api/progress", acme.guest).status_code == 204
    forged = [outside(str(acme.guest_id), role=role) for role in ("guest", "admin", "service")]

    for _ in range(2):  # an accepted token would be cached, and never checked again
        statuses = {
            (route, number): ask(client, route, headers).status_code
            for route in ROUTES
            for number, headers in enumerate(forged)
        }
        assert {case: status for case, status in statuses.items() if status != 401} == {}
    assert ask(client, "GET /api/progress/{user}/{video}", acme.guest).status_code == 200


def test_public_route_treats_an_outside_token_with_a_number_as_no_token(
    client_with, acme, issuer, create_video
):
    client = client_with(jwt_jwks_url=issuer.url, jwt_trust_claims=True)
    path = f"/v1/videos/id/{create_video(acme.id)}"
    claims = {"role": "admin", "corporation_id": acme.id}

    assert "file_path" in client.get(path, headers=acme.admin).json
    assert "file_path" in client.get(path, headers=outside("editor", **claims)).json
    numbered = client.get(path, headers=outside(str(acme.admin_id), **claims))
    assert numbered.status_code == 200
    assert "file_path" not in numbered.json


def test_the_response_is_the_same_as_for_a_wrong_signature(client_with, issuer):
    client = client_with(jwt_jwks_url=issuer.url)
    wrong_signature = {"Authorization": outside("ann")["Authorization"][:-8] + "AAAAAAAA"}
    refused, forged = (
        client.get("/api/progress/7", headers=headers)
        for headers in (outside("7"), wrong_signature)
    )

    assert (refused.status_code, refused.data) == (forged.status_code, forged.data)
    assert refused.headers["WWW-Authenticate"] == "Bearer"


def test_the_log_gives_the_reason_without_the_token(issuer, logged):
    given = outside("7")

    assert refuses(with_accounts(issuer), given)
    [line] = [line for line in logged if "sub" in line]
    assert "an outside issuer's sub is a number" in line
    assert "warning" in line
    for part in given["Authorization"].removeprefix("Bearer ").split("."):
        assert part not in line


def test_without_a_database_a_number_is_a_user_like_any_other(real_redis, issuer):
    settings = Settings(jwt_secret=SECRET, jwt_jwks_url=issuer.url)
    client = app_without_openapi(settings, client=real_redis).test_client()
    body = {"clerkId": "7", "tmdbId": "v1", "currentTime": 5}

    assert client.post("/api/progress", json=body, headers=outside("7")).status_code == 204
    assert client.get("/api/progress/7/v1", headers=outside("7")).status_code == 200


def test_our_own_token_with_a_number_is_accepted(client_with, acme, ask, issuer):
    client = client_with(jwt_jwks_url=issuer.url)

    assert ask(client, "POST /api/progress", acme.guest).status_code == 204
    assert ask(client, "GET /v1/users/id/{user}", acme.guest).status_code == 200
    assert client.get(f"/api/progress/{10**8}", headers=bearer(str(10**8))).status_code == 200


def with_accounts(issuer, **settings):
    database = "postgresql://localhost/unused"
    return Verifier.from_settings(
        Settings(jwt_jwks_url=issuer.url, database_url=database, **settings)
    )


@pytest.mark.parametrize("settings", [FALSE, TRUE, {"jwt_secret": SECRET}])
@pytest.mark.parametrize("number", NUMBERS)
def test_each_number_is_refused_also_when_the_token_is_sent_again(issuer, number, settings):
    verifier = with_accounts(issuer, **settings)

    assert [refuses(verifier, outside(number)) for _ in range(2)] == [True, True]
    assert refuses(verifier, outside(number, role="service"))
    assert verifier.token_cache._entries == {}


@pytest.mark.parametrize("subject", OTHER_SUBJECTS)
def test_other_subjects_of_an_outside_issuer_are_accepted(issuer, subject):
    verifier = with_accounts(issuer)

    caller = verifier.identify(outside(subject)["Authorization"])
    assert caller == Identity(subject)


def test_the_secret_decides_who_signed_a_token(issuer):
    """Both issuers may send the same `sub`, `iss` and `role`."""
    verifier = with_accounts(issuer, jwt_secret=SECRET)

    assert verifier.identify(f"Bearer {token('7')}").account_id == 7
    assert refuses(verifier, outside("7"))
    assert verifier.identify(f"Bearer {token('7')}").account_id == 7


def test_reserved_word_as_an_outside_sub_names_no_point(client_with, acme, issuer, create_video):
    client = client_with(jwt_jwks_url=issuer.url)
    video = create_video(acme.id)
    for word in sorted(RESERVED_USER_IDS):
        headers = outside(word)
        body = {"clerkId": word, "tmdbId": "v1", "currentTime": 5}
        rate = client.post(f"/videos/{video}/progress", json={"progress_rate": 5}, headers=headers)

        assert client.post("/api/progress", json=body, headers=headers).status_code == 400
        assert rate.status_code == 403
