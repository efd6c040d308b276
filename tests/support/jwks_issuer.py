"""An outside issuer on loopback. It signs tokens, publishes its keys, and simulates faults."""

from __future__ import annotations

import functools
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class SigningKey:
    """A key pair of an issuer."""

    kid: str
    private: Any = field(repr=False)
    algorithm: str

    def jwk(self, **members: Any) -> dict[str, Any]:
        """The public key as a JWK. `members` add or replace; a member of None is removed."""
        kind = RSAAlgorithm if self.algorithm == "RS256" else ECAlgorithm
        public = kind.to_jwk(self.private.public_key(), as_dict=True)
        published = public | {"kid": self.kid, "use": "sig", "alg": self.algorithm} | members
        return {name: value for name, value in published.items() if value is not None}

    def token(
        self, user: str = "ann", *, alg: str | None = None, headers: Any = None, **claims: Any
    ) -> str:
        """A valid token for `user`. `claims`, `headers` and `alg` may make it invalid."""
        payload = {"sub": user, "exp": int(time.time()) + 3600} | claims
        header = {"kid": self.kid} | (headers or {})
        return jwt.encode(payload, self.private, alg or self.algorithm, headers=header)

    def bearer(self, user: str = "ann", **claims: Any) -> str:
        return f"Bearer {self.token(user, **claims)}"


@functools.cache
def rsa_key(kid: str = "rsa-1", bits: int = 2048) -> SigningKey:
    private = rsa.generate_private_key(public_exponent=65_537, key_size=bits)
    return SigningKey(kid, private, "RS256")


@functools.cache
def ec_key(kid: str = "ec-1") -> SigningKey:
    return SigningKey(kid, ec.generate_private_key(ec.SECP256R1()), "ES256")


def key_set(*published: SigningKey | dict[str, Any]) -> bytes:
    """The JWKS document of these keys."""
    jwks = [key.jwk() if isinstance(key, SigningKey) else key for key in published]
    return json.dumps({"keys": jwks}).encode()


def document(body: bytes, status: int = 200) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


def raw(data: bytes) -> Answer:
    """Send bytes that need not be HTTP, and close the connection."""
    return lambda request: request.wfile.write(data) and None


class Issuer:
    """A server of keys. `answer` sends each response, `fetches` counts the requests."""

    def __init__(self, *published: SigningKey | dict[str, Any]) -> None:
        self.fetches = 0
        self.answer: Answer
        self._counting = threading.Lock()
        self._released = threading.Event()
        self._server: ThreadingHTTPServer | None = None
        self._port = 0
        self.publish(*published)
        self.start()
        self.url = f"http://127.0.0.1:{self._port}/keys"

    def publish(self, *published: SigningKey | dict[str, Any]) -> None:
        """Serve these keys from now on."""
        self.answer = document(key_set(*published))

    def hang(self) -> None:
        """Delay each response until `release`."""
        self._released.clear()
        self.answer = functools.partial(self._hold, self.answer)

    def drip(self, beginning: bytes) -> None:
        """Send `beginning`, then one byte every 50 ms until `release`."""
        self._released.clear()
        self.answer = functools.partial(self._drip, beginning)

    def release(self) -> None:
        """End the delay of all requests."""
        self._released.set()

    def start(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), self._handler())
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections from now on, until `start`."""
        self.release()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _hold(self, answer: Answer, request: BaseHTTPRequestHandler) -> None:
        self._released.wait(60)
        answer(request)

    def _drip(self, beginning: bytes, request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(beginning)
        while not self._released.wait(0.05):
            request.wfile.write(b"x")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with issuer._counting:
                    issuer.fetches += 1
                try:
                    issuer.answer(self)
                except OSError:
                    self.close_connection = True  # the client closed the connection

            def log_message(self, *_: Any) -> None:
                """Write nothing to standard error."""

        return Handler


class Clock:
    """Replaces the module `time` in tests that need a later time without waiting."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead
