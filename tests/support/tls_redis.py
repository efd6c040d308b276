"""A Redis that accepts only TLS, and a certificate for it."""

from __future__ import annotations

import datetime as dt
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dev.redis_server import RedisServer
from dev.service import free_port


class TlsRedis(RedisServer):
    """`tls_url` is its URL for clients. `client` uses a Unix socket. `binary` must support TLS."""

    def __init__(self, directory: Path, binary: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        certificate = directory / "certificate.pem"
        write_certificate(certificate)
        port = free_port()
        self.tls_url = f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={certificate}"
        options = {
            "tls-port": str(port),
            "tls-cert-file": str(certificate),
            "tls-key-file": str(certificate),
            "tls-ca-cert-file": str(certificate),
            "tls-auth-clients": "no",
        }
        super().__init__(directory, binary=binary, **options)


def write_certificate(path: Path) -> None:
    """Write a private key and its self-signed certificate for 127.0.0.1 to `path`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
