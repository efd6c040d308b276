"""An issuer that is down, slow or sends invalid documents: known keys still work without delay."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from resume_service import create_app
from resume_service.auth import jwks, jwks_document
from resume_service.errors import Unauthorized, Unavailable
from resume_service.settings import Settings
from tests.support.eventually import eventually
from tests.support.jwks_issuer import Issuer, document, ec_key, key_set, raw, rsa_key
from tests.support.tokens import SECRET

OK = b"HTTP/1.1 200 OK\r\n"
PADDED = b'{"pad": "' + b" " * jwks_document.MAX_BYTES + b'", ' + key_set(rsa_key("new"))[1:]
INVALID = {
    "500": document(key_set(rsa_key("new")), status=500),
    "404": document(b"", status=404),
    "nothing": document(b""),
    "not JSON": document(b"<html>"),
    "not UTF-8": document(b'{"keys": "\xff"}'),
    "JSON nested deep": document(b'{"keys":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "a list": document(b"[]"),
    "an empty set": document(key_set()),
    "keys that are no list": document(b'{"keys": {"kid": "new"}}'),
    "keys that are no objects": document(b'{"keys": [1, null, "new", []]}'),
    "no usable key": document(key_set(rsa_key("new").jwk(use="enc"))),
    "more than 1 MiB": document(PADDED),
    "half a document": raw(OK + b"Content-Length: 5000\r\n\r\n" + key_set(rsa_key("new"))[:99]),
    "a broken chunk": raw(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"),
    "no HTTP": raw(b"\x16\x03\x01 no HTTP at all\r\n\r\n"),
    "no bytes at all": raw(b""),
    "a status that is none": raw(b"HTTP/1.1 abc\r\n\r\n"),
    "a header without end": raw(OK + b"X: " + b"x" * 70_000 + b"\r\n\r\n"),
    "500 headers": raw(OK + b"".join(b"X-%d: 1\r\n" % n for n in range(500)) + b"\r\n"),
    "a redirect to itself": raw(b"HTTP/1.1 302 Found\r\nLocation: /keys\r\n\r\n"),
    "a redirect to a file": raw(b"HTTP/1.1 302 Found\r\nLocation: file:///etc/hostname\r\n\r\n"),
}
DRIPS = {
    "body": OK + b"\r\n",
    "headers": OK + b"X-Slow: ",
    "status line": b"HTTP/1.1 200 ",
}


def make_stale(verifier, clock):
    """Make the keys stale, and start the refresh by one request."""
    clock.ahead += jwks.REFRESH_SECONDS
    verifier.identify(rsa_key().bearer())


def wait_for_the_fetch(verifier):
    eventually(lambda: not verifier.keys._fetching)


@pytest.mark.parametrize("answer", INVALID.values(), ids=INVALID)
def test_invalid_document_keeps_known_keys_until_the_issuer_recovers(
    verifier, issuer, clock, answer
):
    verifier.identify(rsa_key().bearer())
    issuer.answer = answer
    make_stale(verifier, clock)

    wait_for_the_fetch(verifier)
    assert issuer.fetches >= 2
    assert verifier.identify(rsa_key().bearer()).user_id == "ann"
    issuer.publish(rsa_key(), rsa_key("rsa-2"))
    clock.ahead += jwks.REFETCH_SECONDS
    assert verifier.identify(rsa_key("rsa-2").bearer()).user_id == "ann"


@pytest.mark.parametrize("answer", INVALID.values(), ids=INVALID)
def test_invalid_document_at_start_is_503_until_the_issuer_recovers(
    verifier, issuer, clock, answer
):
    issuer.answer = answer
    with pytest.raises(Unavailable):
        verifier.identify(rsa_key().bearer())
    issuer.publish(rsa_key())
    clock.ahead += jwks.FIRST_FETCH_SECONDS

    assert verifier.identify(rsa_key().bearer()).user_id == "ann"


def test_dead_issuer_keeps_known_keys_and_is_retried_after_30_seconds(verifier, issuer, clock):
    verifier.identify(rsa_key().bearer())
    issuer.stop()
    for _ in range(3):
        make_stale(verifier, clock)
        wait_for_the_fetch(verifier)
    issuer.start()
    issuer.publish(rsa_key(), ec_key())
    verifier.identify(rsa_key().bearer())

    assert issuer.fetches == 1
    clock.ahead += jwks.REFETCH_SECONDS
    assert verifier.identify(rsa_key().bearer()).user_id == "ann"
    eventually(lambda: "ec-1" in verifier.keys._keys)


def test_request_with_a_known_key_never_waits_for_a_hanging_fetch(
    verifier, issuer, clock, monkeypatch
):
    """The fetch may take a minute, so a request that waits for it fails the test."""
    monkeypatch.setattr(jwks_document, "FETCH_SECONDS", 60.0)
    verifier.identify(rsa_key().bearer())
    issuer.hang()
    make_stale(verifier, clock)
    eventually(lambda: issuer.fetches == 2)
    started = time.monotonic()
    with ThreadPoolExecutor(4) as callers:
        users = list(callers.map(verifier.identify, [rsa_key().bearer()] * 200))

    assert len(users) == 200
    assert verifier.keys._fetching
    assert issuer.fetches == 2
    assert time.monotonic() - started < 30
    issuer.release()
    wait_for_the_fetch(verifier)


@pytest.mark.parametrize("beginning", DRIPS.values(), ids=DRIPS)
def test_slow_document_is_abandoned_after_the_fetch_timeout(
    verifier, issuer, clock, monkeypatch, beginning
):
    """Each byte is in time, but the document is not. It must not block later fetches."""
    verifier.identify(rsa_key().bearer())
    monkeypatch.setattr(jwks_document, "FETCH_SECONDS", 0.5)
    issuer.drip(beginning)
    make_stale(verifier, clock)

    eventually(lambda: not verifier.keys._fetching, within=10)
    assert verifier.identify(rsa_key().bearer()).user_id == "ann"


def test_issuer_down_at_start_is_503_and_recovers_without_a_restart(
    issuer: Issuer, real_redis, clock
):
    issuer.stop()
    settings = Settings(jwt_secret=SECRET, jwt_jwks_url=issuer.url)
    client = create_app(settings, client=real_redis).test_client()
    headers = {"Authorization": rsa_key().bearer()}
    down = client.get("/api/progress/ann", headers=headers)
    issuer.start()
    clock.ahead += jwks.FIRST_FETCH_SECONDS
    up = client.get("/api/progress/ann", headers=headers)

    assert (down.status_code, set(down.json)) == (503, {"error"})
    assert int(down.headers["Retry-After"]) >= 1
    assert up.status_code == 200


@pytest.mark.alone
def test_first_token_waits_about_two_seconds_for_a_hanging_issuer(verifier, issuer):
    issuer.hang()
    started = time.monotonic()
    with pytest.raises(Unavailable):
        verifier.identify(rsa_key().bearer())

    assert 1.5 < time.monotonic() - started < 3  # on a busy machine
    issuer.release()
    wait_for_the_fetch(verifier)


def test_concurrent_requests_in_an_outage_see_only_401_and_503(verifier, issuer, clock):
    """Known keys verify in every thread during failing fetches."""
    verifier.identify(rsa_key().bearer())
    over = threading.Event()

    def send_tokens():
        count = 0
        while not over.is_set():
            assert verifier.identify(rsa_key().bearer()).user_id == "ann"
            with pytest.raises((Unauthorized, Unavailable)):
                verifier.identify(rsa_key("new").bearer())
            count += 1
        return count

    with ThreadPoolExecutor(4) as callers:
        asking = [callers.submit(send_tokens) for _ in range(4)]
        for answer in INVALID.values():
            before, issuer.answer = issuer.fetches, answer
            clock.ahead += jwks.REFRESH_SECONDS
            eventually(lambda before=before: issuer.fetches > before)
            wait_for_the_fetch(verifier)
        over.set()

    assert all(each.result() > 0 for each in asking)
