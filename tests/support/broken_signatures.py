"""Tokens with an invalid header or signature, by their fault."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.forged_tokens import (
    by_issuer,
    claims,
    cut,
    good,
    hmac_by_public_key,
    segment,
    signed,
    spliced,
    unsigned,
    with_header,
)
from tests.support.jwks_issuer import ec_key, rsa_key

FORGERIES: dict[str, Callable[[], str]] = {
    "alg none": lambda: unsigned("none"),
    "alg None": lambda: unsigned("None"),
    "alg NONE": lambda: unsigned("NONE"),
    "alg nOnE": lambda: unsigned("nOnE"),
    "alg none with a signature": lambda: unsigned("none", signature="c2ln"),
    "alg none and the issuer's kid": lambda: (
        f"{segment({'alg': 'none', 'kid': 'rsa-1'})}.{segment(claims())}."
    ),
    "alg empty": lambda: unsigned(""),
    "alg missing": lambda: signed({"typ": "JWT"}, claims()),
    "alg null": lambda: signed({"alg": None}, claims()),
    "alg a list": lambda: signed({"alg": ["HS256"]}, claims()),
    "alg an object": lambda: signed({"alg": {"HS256": 1}}, claims()),
    "alg in lower case": lambda: signed({"alg": "hs256"}, claims()),
    "alg unknown": lambda: signed({"alg": "XX999"}, claims()),
    "HS256 without signature": lambda: unsigned("HS256"),
    "HS256 by another secret": lambda: signed({"alg": "HS256"}, claims(), key=b"x" * 32),
    "HS256 by an empty secret": lambda: signed({"alg": "HS256"}, claims(), key=b""),
    "HS256 by the public key in PEM": lambda: hmac_by_public_key("pem"),
    "HS256 by the public key in PKCS 1": lambda: hmac_by_public_key("pkcs1"),
    "HS256 by the public key in DER": lambda: hmac_by_public_key("der"),
    "HS384 by the right secret": lambda: signed({"alg": "HS384"}, claims(), by="sha384"),
    "HS512 by the right secret": lambda: signed({"alg": "HS512"}, claims(), by="sha512"),
    "HS384 named, HS256 used": lambda: signed({"alg": "HS384"}, claims()),
    "RS256 named, HS256 used": lambda: signed({"alg": "RS256", "kid": "rsa-1"}, claims()),
    "RS256 by an unknown key": lambda: rsa_key("unknown").token(
        **claims(), headers={"kid": "rsa-1"}
    ),
    "RS512 by the right key": lambda: rsa_key().token(**claims(), alg="RS512"),
    "PS256 by the right key": lambda: rsa_key().token(**claims(), alg="PS256"),
    "RS256 under the kid of another key": lambda: by_issuer(kid="ec-1"),
    "ES256 under the kid of another key": lambda: ec_key().token(
        **claims(), headers={"kid": "rsa-1"}
    ),
    "a signature cut short": lambda: cut(good(), characters=4),
    "a signature cut by one": lambda: cut(good(), characters=1),
    "an RSA signature cut short": lambda: cut(by_issuer(), characters=4),
    "a signature of zeros": lambda: spliced(good(), f".{segment(bytes(32))}"),
    "an ES256 signature of zeros": lambda: spliced(
        ec_key().token(**claims()), f".{segment(bytes(64))}"
    ),
    "the signature of another token": lambda: spliced(good(), good(sub="bob")),
    "the signature of another user's RSA token": lambda: spliced(
        by_issuer(), rsa_key().token(**claims(sub="bob"))
    ),
    "crit unknown": lambda: with_header(crit=["x"], x=1),
    "crit empty": lambda: with_header(crit=[]),
    "crit a string": lambda: with_header(crit="exp"),
    "crit null": lambda: with_header(crit=None),
    "crit that names an absent header": lambda: with_header(crit=["b64"]),
    "b64 false": lambda: with_header(b64=False),
    "b64 false and critical": lambda: with_header(b64=False, crit=["b64"]),
    "b64 false and detached": lambda: (
        f"{segment({'alg': 'HS256', 'b64': False, 'crit': ['b64']})}..{segment(bytes(32))}"
    ),
    "kid missing": lambda: signed({"alg": "RS256"}, claims()),
    "kid a path": lambda: by_issuer(kid="../../../../dev/null"),
    "kid SQL": lambda: by_issuer(kid="x' UNION SELECT 'key';--"),
    "kid a URL": lambda: by_issuer(kid="http://127.0.0.1:9/key"),
    "kid of 7 KB": lambda: by_issuer(kid="k" * 7_000),
    "kid empty": lambda: by_issuer(kid=""),
    "kid in other case": lambda: by_issuer(kid="RSA-1"),
    "kid a number": lambda: signed({"alg": "RS256", "kid": 1}, claims()),
    "kid a list": lambda: signed({"alg": "RS256", "kid": ["rsa-1"]}, claims()),
    "kid an object": lambda: signed({"alg": "RS256", "kid": {}}, claims()),
    "kid null": lambda: signed({"alg": "RS256", "kid": None}, claims()),
}
