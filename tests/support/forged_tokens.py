"""Tokens of any header, claims and signature, for a service that checks all it can."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any

from cryptography.hazmat.primitives import serialization

from tests.support.jwks_issuer import rsa_key
from tests.support.tokens import SECRET

ISSUER, AUDIENCE, PARTY = "https://issuer.example", "resume", "https://player.example"
ABSENT = object()


def claims(**changes: Any) -> dict[str, Any]:
    """What a service that checks ISSUER, AUDIENCE and PARTY asks for; ABSENT takes a claim out."""
    good = {"sub": "ann", "exp": int(time.time()) + 3600}
    merged = good | {"iss": ISSUER, "aud": AUDIENCE, "azp": PARTY} | changes
    return {name: value for name, value in merged.items() if value is not ABSENT}


def segment(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: Any, payload: Any, *, key: bytes = SECRET.encode(), by: str = "sha256") -> str:
    """A token of any header and payload, rightly signed; bytes stand as they are."""
    signing_input = f"{segment(header)}.{segment(payload)}"
    return f"{signing_input}.{segment(hmac.new(key, signing_input.encode(), by).digest())}"


def good(**changes: Any) -> str:
    return signed({"alg": "HS256"}, claims(**changes))


def with_header(**members: Any) -> str:
    return signed({"alg": "HS256"} | members, claims())


def by_issuer(**headers: Any) -> str:
    """A token of the issuer's RSA key, by its header made other than good."""
    return rsa_key().token(**claims(), headers=headers)


def public(form: str) -> bytes:
    encoding, layout = {
        "pem": ("PEM", "SubjectPublicKeyInfo"),
        "pkcs1": ("PEM", "PKCS1"),
        "der": ("DER", "SubjectPublicKeyInfo"),
    }[form]
    return (
        rsa_key()
        .private.public_key()
        .public_bytes(
            getattr(serialization.Encoding, encoding), getattr(serialization.PublicFormat, layout)
        )
    )


def swapped(form: str) -> str:
    """HS256 by the published RSA key in place of a secret."""
    return signed({"alg": "HS256", "kid": "rsa-1"}, claims(), key=public(form))


def cut(token: str, *, characters: int) -> str:
    return token[:-characters]


def spliced(one: str, other: str) -> str:
    """`one` with the signature of `other`."""
    return f"{one.rpartition('.')[0]}.{other.rpartition('.')[2]}"


def unsigned(alg: str, *, signature: str = "") -> str:
    return f"{segment({'alg': alg, 'typ': 'JWT'})}.{segment(claims())}.{signature}"


def raw_claims(text: str) -> str:
    """A well signed token whose claims end in `text`, which json.dumps would not write."""
    return signed({"alg": "HS256"}, json.dumps(claims(exp=ABSENT))[:-1].encode() + text.encode())


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth
