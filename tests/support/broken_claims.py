"""Correctly signed tokens with invalid claims, by their fault."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.support.forged_tokens import ABSENT, AUDIENCE, ISSUER, PARTY, good, raw_claims


def _now(seconds: float) -> int:
    return int(time.time() + seconds)


CLAIMS: dict[str, Callable[[], str]] = {
    "expired a second ago": lambda: good(exp=_now(-1)),
    "expires now": lambda: good(exp=_now(0)),
    "valid in a minute": lambda: good(nbf=_now(60)),
    "exp missing": lambda: good(exp=ABSENT),
    "exp null": lambda: good(exp=None),
    "exp a word": lambda: good(exp="tomorrow"),
    "exp a number in a string": lambda: good(exp=str(_now(3600))),
    "exp true": lambda: good(exp=True),
    "exp a list": lambda: good(exp=[_now(3600)]),
    "exp an object": lambda: good(exp={}),
    "exp zero": lambda: good(exp=0),
    "exp negative": lambda: good(exp=-_now(3600)),
    "exp Infinity": lambda: good(exp=float("inf")),
    "exp -Infinity": lambda: good(exp=float("-inf")),
    "exp NaN": lambda: good(exp=float("nan")),
    "exp 1e999": lambda: raw_claims(',"exp":1e999}'),
    "exp of 5,000 digits": lambda: raw_claims(f',"exp":{"9" * 5000}}}'),
    "nbf a word": lambda: good(nbf="soon"),
    "nbf a number in a string": lambda: good(nbf=str(_now(-60))),
    "nbf null": lambda: good(nbf=None),
    "nbf true": lambda: good(nbf=True),
    "nbf a list": lambda: good(nbf=[]),
    "nbf NaN": lambda: good(nbf=float("nan")),
    "nbf Infinity": lambda: good(nbf=float("inf")),
    "nbf -Infinity": lambda: good(nbf=float("-inf")),
    "sub missing": lambda: good(sub=ABSENT),
    "sub null": lambda: good(sub=None),
    "sub a number": lambda: good(sub=1),
    "sub a list": lambda: good(sub=["ann"]),
    "sub an object": lambda: good(sub={"id": "ann"}),
    "sub true": lambda: good(sub=True),
    "sub empty": lambda: good(sub=""),
    "sub a space": lambda: good(sub=" "),
    "sub with a space": lambda: good(sub="an n"),
    "sub with a line feed": lambda: good(sub="ann\n"),
    "sub with a NUL": lambda: good(sub="ann\0"),
    "sub with a control character": lambda: good(sub="an\x1fn"),
    "sub with a slash": lambda: good(sub="ann/bob"),
    "sub with half a surrogate": lambda: good(sub="ann\ud800"),
    "sub of 129 characters": lambda: good(sub="a" * 129),
    "iss missing": lambda: good(iss=ABSENT),
    "iss null": lambda: good(iss=None),
    "iss another": lambda: good(iss="https://other.example"),
    "iss with another slash": lambda: good(iss=f"{ISSUER}/"),
    "iss a list": lambda: good(iss=[ISSUER]),
    "aud missing": lambda: good(aud=ABSENT),
    "aud null": lambda: good(aud=None),
    "aud another": lambda: good(aud="other"),
    "aud a list without ours": lambda: good(aud=["other"]),
    "aud a list with a number": lambda: good(aud=[AUDIENCE, 1]),
    "aud an empty list": lambda: good(aud=[]),
    "aud an object": lambda: good(aud={AUDIENCE: 1}),
    "azp missing": lambda: good(azp=ABSENT),
    "azp null": lambda: good(azp=None),
    "azp another": lambda: good(azp="https://other.example"),
    "azp a list": lambda: good(azp=[PARTY]),
    "azp an object": lambda: good(azp={}),
}
