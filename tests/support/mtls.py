"""Papers for tests of mutual TLS: one authority, a server certificate and a client certificate."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.tls import _certificate


@dataclass(frozen=True, slots=True)
class Identities:
    """`authority` is a PEM file; the client's certificate and key are PEM texts."""

    authority: Path
    server_pem: Path
    client_cert: str
    client_key: str

    def server(self, *, wants_client: bool = False) -> ssl.SSLContext:
        """A server's side, which may insist on a client certificate from the same authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server_pem)
        if wants_client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.authority)
        return context


def identities(folder: Path) -> Identities:
    """Papers for a server at 127.0.0.1 and one client."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
    authority_key, server_key, client_key = keys
    authority = _certificate("Tests", authority_key, "Tests", authority_key, None)
    server = _certificate("Tests", authority_key, "127.0.0.1", server_key, "127.0.0.1")
    client = _certificate("Tests", authority_key, "shop", client_key, "shop.test")
    authority_pem, server_pem = folder / "authority.pem", folder / "server-identity.pem"
    authority_pem.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    server_pem.write_bytes(_key(server_key) + server.public_bytes(serialization.Encoding.PEM))
    certificate = client.public_bytes(serialization.Encoding.PEM).decode()
    return Identities(authority_pem, server_pem, certificate, _key(client_key).decode())


def _key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
