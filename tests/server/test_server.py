"""Answers and log lines of the server itself, for requests that never reach the application."""

from __future__ import annotations

import json
import socket

import pytest

from tests.support.tokens import token

MALFORMED = {
    "no request line": (b"hello\r\n\r\n", 400),
    "a method in lower case": (b"get / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    "a header without a colon": (b"GET / HTTP/1.1\r\nHost: h\r\nBearer %s\r\n\r\n", 400),
    "a token for a method": (b"%s / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    "two lengths": (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    "a line too long": (b"GET /%s HTTP/1.1\r\n\r\n" % (b"a" * 9000), 414),
    "a token too long": (b"GET / HTTP/1.1\r\nAuthorization: %s\r\n\r\n" % (b"a" * 17_000), 431),
    "an unknown expectation": (b"POST / HTTP/1.1\r\nExpect: tea\r\nContent-Length: 0\r\n\r\n", 417),
}


@pytest.mark.parametrize(("request_text", "status"), MALFORMED.values(), ids=list(MALFORMED))
def test_malformed_request_gets_the_common_error_format_and_is_not_logged(
    service, request_text, status
):
    secret = token()
    sent = request_text.replace(b"%s", secret.encode())

    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as client:
        client.sendall(sent)
        answer = client.makefile("rb").read()

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"Content-Type: application/json\r\n" in head
    assert b"X-Request-Id: " in head
    assert list(json.loads(body)) == ["error"]
    assert secret not in service.log.read_text()


def test_log_of_a_malformed_request_has_no_earlier_request_id(own_service):
    with socket.create_connection(("127.0.0.1", own_service.port), timeout=20) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\nX-Request-Id: FINISHED\r\n\r\n")
        client.sendall(b"get /x HTTP/1.1\r\n\r\n")
        assert b" 400 " in client.makefile("rb").read()

    lines = [json.loads(line) for line in own_service.log.read_text().splitlines()]
    (malformed,) = [line for line in lines if line["event"] == "malformed request"]
    assert malformed["request_id"] != "FINISHED"
