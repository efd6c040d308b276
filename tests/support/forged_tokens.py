"""Builds tokens with any header, claims and signature.

They suit a service that checks ISSUER, AUDIENCE and PARTY.
"""

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
    """Valid claims with `changes`; ABSENT removes a claim."""
    good = {"sub": "ann", "exp": int(time.time()) + 3600}
    merged = good | {"iss": ISSUER, "aud": AUDIENCE, "azp": PARTY} | changes
    return {name: value for name, value in merged.items() if value is not ABSENT}


def segment(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: Any, payload: Any, *, key: bytes = SECRET.encode(), by: str = "sha256") -> str:
    """A correctly signed token of any header and payload; bytes are encoded unchanged."""
    signing_input = f"{segment(header)}.{segment(payload)}"
    return f"{signing_input}.{segment(hmac.new(key, signing_input.encode(), by).digest())}"


def good(**changes: Any) -> str:
    return signed({"alg": "HS256"}, claims(**changes))


def with_header(**members: Any) -> str:
    return signed({"alg": "HS256"} | members, claims())


def by_issuer(**headers: Any) -> str:
    """A token of the issuer's RSA key, with changes in its header."""
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


def hmac_by_public_key(form: str) -> str:
    """A token signed by HS256 with the published RSA key as secret."""
    return signed({"alg": "HS256", "kid": "rsa-1"}, claims(), key=public(form))


def cut(token: str, *, characters: int) -> str:
    return token[:-characters]


def spliced(one: str, other: str) -> str:
    """`one` with the signature of `other`."""
    return f"{one.rpartition('.')[0]}.{other.rpartition('.')[2]}"


def unsigned(alg: str, *, signature: str = "") -> str:
    return f"{segment({'alg': alg, 'typ': 'JWT'})}.{segment(claims())}.{signature}"


def raw_claims(text: str) -> str:
    """A correctly signed token. Its claims end in `text`, which json.dumps cannot write."""
    return signed({"alg": "HS256"}, json.dumps(claims(exp=ABSENT))[:-1].encode() + text.encode())


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth
