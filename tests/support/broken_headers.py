"""Invalid Authorization headers and malformed tokens, by their fault.

The text is Latin-1, the encoding of HTTP headers.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.support.forged_tokens import claims, good, nested, segment, signed

HEADERS: dict[str, Callable[[], tuple[str, ...]]] = {
    "no header": lambda: (),
    "an empty header": lambda: ("",),
    "the scheme alone": lambda: ("Bearer",),
    "the scheme and a space": lambda: ("Bearer ",),
    "the Basic scheme": lambda: ("Basic YW5uOnNlY3JldA==",),
    "a good token under Basic": lambda: (f"Basic {good()}",),
    "a good token under Token": lambda: (f"Token {good()}",),
    "a good token without scheme": lambda: (good(),),
    "no space after the scheme": lambda: (f"Bearer{good()}",),
    "a colon after the scheme": lambda: (f"Bearer: {good()}",),
    "a tab after the scheme": lambda: (f"Bearer\t{good()}",),
    "a tab before the token": lambda: (f"Bearer \t{good()}",),
    "a no-break space after the scheme": lambda: (f"Bearer\xa0{good()}",),
    "the scheme twice": lambda: (f"Bearer Bearer {good()}",),
    "a word after the token": lambda: (f"Bearer {good()} please",),
    "a comma after the token": lambda: (f"Bearer {good()},",),
    "a quoted token": lambda: (f'Bearer "{good()}"',),
    "two headers, the same": lambda: (f"Bearer {good()}",) * 2,
    "two headers, the first good": lambda: (f"Bearer {good()}", "Bearer x"),
    "two headers, the second good": lambda: ("Basic YW5uOm8=", f"Bearer {good()}"),
}

FORMS: dict[str, Callable[[], str]] = {
    "one word": lambda: "token",
    "10 KB of one letter": lambda: "a" * 10_240,
    "10 KB of dots": lambda: "." * 10_240,
    "two segments": lambda: good().rpartition(".")[0],
    "four segments": lambda: f"{good()}.e30",
    "five segments, as encrypted": lambda: ".".join(["e30"] * 5),
    "empty segments": lambda: "..",
    "bytes that are not ASCII": lambda: "caf\xe9.\xff\xfe.\x80",
    "a good token and a letter that is not ASCII": lambda: f"{good()}\xe9",
    "not base64": lambda: "!!!.???.###",
    "plain base64 in place of base64url": lambda: f"++//.{segment(claims())}.++//",
    "a header that is not JSON": lambda: signed(b"header", claims()),
    "a header that is not UTF-8": lambda: signed(b'{"alg":"HS256\xff"}', claims()),
    "a header that is a list": lambda: signed(["HS256"], claims()),
    "a header that is null": lambda: signed(None, claims()),
    "a header nested deep": lambda: signed(b'{"alg":' + nested(3000) + b"}", claims()),
    "claims that are not JSON": lambda: signed({"alg": "HS256"}, b"sub=ann"),
    "claims that are a list": lambda: signed({"alg": "HS256"}, [claims()]),
    "claims that are a string": lambda: signed({"alg": "HS256"}, "ann"),
    "no claims": lambda: signed({"alg": "HS256"}, {}),
}
