"""Fetches an issuer's JWKS document and parses its keys."""

from __future__ import annotations

import http.client
import json
import queue
import threading
import urllib.request
from typing import Any

import jwt

FETCH_SECONDS = 2.0
MOST_BYTES = 1 << 20
SMALLEST_RSA_BITS = 2048  # RFC 7518, section 3.3
FETCH_FAULTS = (OSError, ValueError, RecursionError, http.client.HTTPException)
"""What an issuer that is down, slow or talks nonsense makes of a fetch."""
ALGORITHMS = {"RSA": "RS256", "EC": "ES256"}


def fetch(url: str) -> Any:
    """The JSON at `url`. Raises one of FETCH_FAULTS, after FETCH_SECONDS at the latest.

    The time-out of a socket starts anew at each byte, so an issuer that drips its answer would hold
    the fetch for ever; a thread of its own can be left behind.
    """
    outcome: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def download() -> None:
        try:
            outcome.put(_document(url))
        except FETCH_FAULTS as fault:
            outcome.put(fault)

    threading.Thread(target=download, name="jwks-download", daemon=True).start()
    try:
        fetched = outcome.get(timeout=FETCH_SECONDS)
    except queue.Empty:
        raise TimeoutError(f"not read within {FETCH_SECONDS} s") from None
    if isinstance(fetched, Exception):
        raise fetched
    return fetched


def _document(url: str) -> Any:
    try:
        with urllib.request.urlopen(url, timeout=FETCH_SECONDS) as response:  # noqa: S310 - Settings takes http(s) only
            body = response.read(MOST_BYTES + 1)
    except urllib.error.HTTPError as refused:
        with refused:
            raise ValueError(f"status {refused.code}") from None
    if len(body) > MOST_BYTES:
        raise ValueError(f"more than {MOST_BYTES} bytes")
    return json.loads(body)


def usable_keys(document: Any) -> dict[str, jwt.PyJWK]:
    """The signature keys of a JWKS document that this service takes, by key id.

    Raises ValueError when there is none: a broken document must not displace good keys.
    """
    listed = document.get("keys") if isinstance(document, dict) else None
    keys = {}
    for jwk in listed if isinstance(listed, list) else ():
        if isinstance(jwk, dict) and isinstance(jwk.get("kid"), str) and (key := _key(jwk)):
            keys[jwk["kid"]] = key
    if not keys:
        raise ValueError("no usable key in the document")
    return keys


def _key(jwk: dict[str, Any]) -> jwt.PyJWK | None:
    """`jwk` as a verifying key whose type fixes the algorithm; None for one we don't take."""
    algorithm = ALGORITHMS.get(str(jwk.get("kty")))
    if (
        algorithm is None
        or jwk.get("alg", algorithm) != algorithm
        or jwk.get("use", "sig") != "sig"
        or jwk.get("crv", "P-256") != "P-256"
        or "d" in jwk
    ):
        return None
    try:
        key = jwt.PyJWK(jwk, algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if algorithm == "RS256" and key.key.key_size < SMALLEST_RSA_BITS:
        return None
    return key
