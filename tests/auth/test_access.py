"""Access to each route: without a token, for its own user, for other users, and for services."""

from __future__ import annotations

import re

import pytest

from resume_service import create_app
from resume_service.settings import Settings
from tests.support.jwks_issuer import Issuer, rsa_key
from tests.support.tokens import SECRET, bearer

PUBLIC = {
    "/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/docs",
    "/docs/<name>",
    "/site/pages.json",
    "/site/<name>",
}
BODIES = {
    "POST /api/progress": [
        lambda user: {"clerkId": user, "tmdbId": "v1", "currentTime": 1},
        lambda user: {"userId": user, "videoId": "v1", "currentTime": 1},
    ]
}
"""The bodies that name a user, by route."""

CLOSED = [
    "POST /api/progress",
    "GET /api/progress/<clerkId>",
    "HEAD /api/progress/<clerkId>",
    "GET /api/progress/<clerkId>/<tmdbId>",
    "HEAD /api/progress/<clerkId>/<tmdbId>",
    "DELETE /api/progress/<clerkId>/<tmdbId>",
    "PUT /api/progress/<clerkId>/<tmdbId>/watched",
    "DELETE /api/progress/<clerkId>/<tmdbId>/watched",
    "PUT /api/progress/<clerkId>/<tmdbId>/dismissed",
    "DELETE /api/progress/<clerkId>/<tmdbId>/dismissed",
]
"""Every route that needs a token and names a user."""

OWN = {
    f"{method} {rule}": body
    for rule, body in (
        ("/videos/<video_id>/progress", {"progress_rate": 5}),
        ("/api/v1/playback/movie/<media_item_id>", {"position_seconds": 5, "duration_seconds": 9}),
        ("/api/v1/playback/episode/<episode_id>", {"position_seconds": 5, "duration_seconds": 9}),
    )
    for method, body in (("GET", None), ("HEAD", None), ("POST", body))
}
"""Every route that needs a token and serves the user of the token, with a body."""

BATCH = "POST /api/progress/batch"
"""It needs a token and names a user in each event. The result of an event has its status."""

LIVE = {"GET /api/progress/events", "HEAD /api/progress/events"}
"""`tests/live/test_callers.py` checks its callers, because only the gevent worker serves it."""

NAMING = [(route, body) for route in CLOSED for body in BODIES.get(route, [None])]
"""Every way to name a user to a route."""

OTHER_ROLES = ["guest", "admin", "root", "Service", "service ", "", ["service"], {"service": 1}, 1]
OTHER_ROLES += [True, 0.5, ["admin", "service"]]

every_route = pytest.mark.parametrize("route", CLOSED)
every_naming = pytest.mark.parametrize(("route", "body"), NAMING)


def ask(client, route, *, user, body=None, **headers):
    method, rule = route.split()
    path = re.sub("<tmdbId>", "v1", re.sub("<clerkId>", user, rule))
    return client.open(path, method=method, json=body and body(user), **headers)


def saved(client, user):
    body = BODIES["POST /api/progress"][0](user)
    assert client.post("/api/progress", json=body, headers=bearer(user)).status_code == 204


def routes(client):
    return {
        f"{method} {rule.rule}"
        for rule in client.application.url_map.iter_rules()
        for method in rule.methods - {"OPTIONS"}
    }


def test_every_route_is_listed_as_public_closed_or_own(client):
    """A new route fails here until it is in one of the lists above."""
    closed = {route for route in routes(client) if route.split()[1] not in PUBLIC}
    public = {route.split()[1] for route in routes(client) - closed}

    assert closed == {*CLOSED, *OWN, *LIVE, BATCH}
    assert public == PUBLIC


@pytest.mark.parametrize("rule", sorted(PUBLIC))
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer broken"}])
def test_public_route_ignores_a_missing_or_broken_token(client, rule, headers):
    path = rule.replace("<name>", "swagger-ui.css" if "docs" in rule else "site.css")

    expected = 302 if path == "/" else 200
    assert client.get(path, headers=headers, buffered=True).status_code == expected


@every_route
def test_closed_route_is_401_without_a_token(client, route):
    answer = ask(client, route, user="ann", body=BODIES.get(route, [None])[0])

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("route", OWN)
def test_route_without_a_user_id_needs_a_token_and_serves_its_user(client, route):
    method, rule = route.split()
    path = re.sub("<[^>]+>", "1", rule)

    assert client.open(path, method=method, json=OWN[route]).status_code == 401
    for user, role in (("ann", "guest"), ("bob", "admin"), ("backend", "service")):
        headers = bearer(user, role=role)
        assert client.open(path, method=method, json=OWN[route], headers=headers).status_code == 200
    if method == "POST":
        for user in ("ann", "bob", "backend"):
            assert client.get(f"/api/progress/{user}/1", headers=bearer(user)).status_code == 200


EVENTS = [
    {"currentTime": 1},
    *({"type": kind} for kind in ("delete", "watched", "unwatched", "dismissed", "undismissed")),
]


def statuses_of_a_batch(client, user, headers):
    """The status of each kind of event for a point of `user`."""
    saved(client, user)
    events = [{"clerkId": user, "tmdbId": "v1"} | event for event in EVENTS]
    answer = client.post("/api/progress/batch", json={"events": events}, headers=headers)
    assert answer.status_code == 200
    return [each["status"] for each in answer.get_json()["results"]]


def test_batch_needs_a_token(client):
    answer = client.post("/api/progress/batch", json={"events": [{}]})

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_batch_is_for_own_points_unless_the_caller_is_a_service(client):
    backend = bearer("backend", role="service")

    for user, headers in (("ann", bearer("ann")), ("bob", backend)):
        assert set(statuses_of_a_batch(client, user, headers)) <= {204, 404}
    for role in OTHER_ROLES:
        assert set(statuses_of_a_batch(client, "bob", bearer("ann", role=role))) == {403}
    assert client.get("/api/progress/bob/v1", headers=backend).json["currentTime"] == 1


@every_naming
def test_id_of_another_user_is_403_with_and_without_data(client, route, body):
    saved(client, "bob")
    with_data, without_data = (
        ask(client, route, user=user, body=body, headers=bearer("ann")) for user in ("bob", "carl")
    )

    assert with_data.status_code == without_data.status_code == 403
    assert with_data.data == without_data.data
    assert client.get("/api/progress/bob", headers=bearer("bob")).json != []
    assert client.get("/api/progress/carl", headers=bearer("carl")).json == []


@every_naming
def test_user_may_use_its_own_id(client, route, body):
    saved(client, "ann")

    assert ask(client, route, user="ann", body=body, headers=bearer("ann")).status_code in (
        200,
        204,
    )


@pytest.mark.parametrize("other", ["ANN", "anne", "an", "ann:", "ann%2520", "%D0%B0nn"])
def test_similar_id_is_403(client, other):
    assert client.get(f"/api/progress/{other}", headers=bearer("ann")).status_code == 403


@every_naming
def test_service_may_act_for_any_user(client, route, body):
    saved(client, "bob")
    headers = bearer("backend", role="service")

    assert ask(client, route, user="bob", body=body, headers=headers).status_code in (200, 204)


@every_naming
def test_other_roles_may_act_only_for_themselves(client, route, body):
    saved(client, "bob")
    statuses = {}
    for role in OTHER_ROLES:
        headers = bearer("ann", role=role)
        foreign = ask(client, route, user="bob", body=body, headers=headers)
        own = client.get("/api/progress/ann", headers=headers)
        statuses[repr(role)] = foreign.status_code, own.status_code

    assert statuses == {repr(role): (403, 200) for role in OTHER_ROLES}


@pytest.mark.parametrize(("trusted", "status"), [(False, 403), (True, 200)])
def test_role_of_an_outside_issuer_counts_only_if_trusted(
    real_redis, issuer: Issuer, trusted, status
):
    settings = Settings(jwt_secret=SECRET, jwt_jwks_url=issuer.url, jwt_trust_claims=trusted)
    client = create_app(settings, client=real_redis).test_client()
    outside = {"Authorization": rsa_key().bearer("ann", role="service")}

    assert client.get("/api/progress/bob", headers=outside).status_code == status
    assert client.get("/api/progress/ann", headers=outside).status_code == 200
    ours = bearer("ann", role="service")
    assert client.get("/api/progress/bob", headers=ours).status_code == 200


WRONG_BODY = {"clerkId": "bob", "tmdbId": "v1", "currentTime": "soon"}
WRONG = [
    ("POST", "/api/progress", {"json": WRONG_BODY}),
    ("POST", "/api/progress", {"json": [WRONG_BODY]}),
    ("POST", "/api/progress", {"data": b"{", "content_type": "application/json"}),
    ("POST", "/api/progress", {"json": WRONG_BODY | {"clerkId": "lessons", "currentTime": 1}}),
    ("GET", "/api/progress/bob?limit=0", {}),
    ("GET", "/api/progress/bob?status=lost", {}),
    ("GET", "/api/progress/batch", {}),
    ("GET", f"/api/progress/bob/{'v' * 129}", {}),
    ("DELETE", "/api/progress/bob/v%201", {}),
]


@pytest.mark.parametrize(("method", "path", "sent"), WRONG)
def test_token_is_checked_before_fields_and_fields_before_the_owner(client, method, path, sent):
    without = client.open(path, method=method, **sent)
    stranger = client.open(path, method=method, headers=bearer("ann"), **sent)

    assert (without.status_code, stranger.status_code) == (401, 400)


@pytest.mark.parametrize(
    ("sent", "status"),
    [({"data": b"x" * 70_000, "content_type": "application/json"}, 413), ({"data": "a=1"}, 415)],
)
def test_token_is_checked_before_size_and_media_type(client, sent, status):
    assert client.post("/api/progress", **sent).status_code == 401
    assert client.post("/api/progress", headers=bearer("ann"), **sent).status_code == status
