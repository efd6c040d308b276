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
"""Maximum duration of a fetch in seconds."""
MAX_BYTES = 1 << 20
"""Maximum size of a document in bytes."""
MIN_RSA_BITS = 2048
"""Minimum size of an RSA key in bits (RFC 7518, section 3.3)."""
FETCH_FAULTS = (OSError, ValueError, RecursionError, http.client.HTTPException)
"""Errors that a fetch raises if the issuer is down or slow, or sends invalid data."""
ALGORITHMS = {"RSA": "RS256", "EC": "ES256"}
"""The accepted algorithm for each type of key."""


def fetch(url: str) -> Any:
    """Return the parsed JSON document at `url`.

    Raises one of FETCH_FAULTS if the download fails, or takes longer than FETCH_SECONDS. The
    timeout of a socket restarts with each byte, so it does not limit the whole download. Therefore
    the download runs in a separate thread, and this function waits for it only FETCH_SECONDS.
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
        with urllib.request.urlopen(url, timeout=FETCH_SECONDS) as response:  # noqa: S310 - Settings accepts only http(s)
            body = response.read(MAX_BYTES + 1)
    except urllib.error.HTTPError as refused:
        with refused:
            raise ValueError(f"status {refused.code}") from None
    if len(body) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES} bytes")
    return json.loads(body)


def usable_keys(document: Any) -> dict[str, jwt.PyJWK]:
    """Return the signature keys of a JWKS document that this service accepts, by key id.

    Raises ValueError if the document has no such key. Then the caller keeps its old keys.
    """
    jwks = document.get("keys") if isinstance(document, dict) else None
    keys = {}
    for jwk in jwks if isinstance(jwks, list) else ():
        if isinstance(jwk, dict) and isinstance(jwk.get("kid"), str) and (key := _key(jwk)):
            keys[jwk["kid"]] = key
    if not keys:
        raise ValueError("no usable key in the document")
    return keys


def _key(jwk: dict[str, Any]) -> jwt.PyJWK | None:
    """Return `jwk` as a verification key, or None if this service does not accept it."""
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
    if algorithm == "RS256" and key.key.key_size < MIN_RSA_BITS:
        return None
    return key
