"""HTTPS origins: the certificate must match, and the connection uses the checked address."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from resume_service.errors import OriginFailed
from resume_service.media.files import LocalFiles
from resume_service.media.model import ByteRequest
from resume_service.media.origins import Origins
from resume_service.media.source import MediaSource
from tests.support.origin_server import LONG_TIMEOUTS

NAME, PUBLIC = "cdn.example.com", "93.184.215.14"


class TlsOrigin:
    """Answers one request per connection. Its certificate for `name` is self-signed."""

    def __init__(self, folder: Path, name: str) -> None:
        self.certificate = folder / f"{name}.pem"
        self.certificate.write_bytes(_certificate(name))
        self.seen: list[tuple[str | None, str]] = []
        """The SNI name and the request head of each connection."""
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.certificate)
        self._context.sni_callback = self._record_sni
        self._sni: str | None = None
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    def _record_sni(self, _socket: object, name: str | None, _context: object) -> None:
        self._sni = name

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                with self._context.wrap_socket(client, server_side=True) as secured:
                    self.seen.append((self._sni, secured.recv(65536).decode()))
                    secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfilm")
            except OSError:
                client.close()


def _certificate(name: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return secret + made.public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def fetched(tmp_path, monkeypatch):
    """`fetched(name)` fetches from NAME an origin with a certificate for `name`.

    It returns the body and the origin. NAME resolves to a public address, and a connection to
    that address reaches the origin.
    """
    listeners, names = [], socket.getaddrinfo
    real = socket.create_connection

    def fetch(name: str) -> tuple[bytes, TlsOrigin]:
        origin = TlsOrigin(tmp_path, name)
        listeners.append(origin.listener)
        there = origin.listener.getsockname()

        def connect(address, *args, **kwargs):
            assert address == (PUBLIC, 443)
            return real(there, *args, **kwargs)

        found = [(0, 0, 0, "", (PUBLIC, 0))]
        monkeypatch.setattr(socket, "create_connection", connect)
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda host, *_a, **_k: found if host == NAME else names(host, *_a, **_k),
        )
        trusting = ssl.create_default_context(cafile=str(origin.certificate))
        origins = Origins((NAME,), LONG_TIMEOUTS, lambda: trusting)
        opened = MediaSource(LocalFiles(None), origins).open(f"https://{NAME}/v.mp4", ByteRequest())
        with contextlib.closing(opened):
            return b"".join(part.data for part in opened.parts), origin

    yield fetch
    for each in listeners:
        each.close()


def test_sni_and_host_name_the_origin(fetched):
    body, origin = fetched(NAME)

    assert body == b"film"
    [(sni, head)] = origin.seen
    assert sni == NAME
    assert f"\r\nHost: {NAME}\r\n" in head


def test_a_certificate_for_another_name_fails(fetched):
    with pytest.raises(OriginFailed):
        fetched("other.example.com")
