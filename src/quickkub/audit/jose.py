"""The signature of anchors: Ed25519 in a compact JWS (RFC 7515, RFC 9864), which any JOSE library can check.

The private key lives in the data folder, where the role of the database cannot read; the public key stands
beside the anchors. What a line says about its own algorithm chooses nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

_ALGORITHM: Final = "Ed25519"
_REGISTRY: Final = jws.JWSRegistry(algorithms=[_ALGORITHM])
_BROKEN: Final = (JoseError, ValueError, KeyError, TypeError)


class NotSigned(Exception):
    """A line that this key did not sign."""


@dataclass(frozen=True, slots=True)
class AnchorKey:
    """The key of an installation, or only its public half for who verifies."""

    key: OKPKey

    @property
    def id(self) -> str:
        """The thumbprint of RFC 7638: to compare with one that was written down elsewhere."""
        return self.key.thumbprint()

    def public(self) -> str:
        """The public half as a JWK."""
        return json.dumps(self.key.as_dict(private=False) | {"kid": self.id})

    def private(self) -> str:
        """All of it as a JWK. To be kept like any secret."""
        return json.dumps(self.key.as_dict(private=True) | {"kid": self.id})

    def sign(self, payload: bytes) -> str:
        """One line for the file."""
        return jws.serialize_compact(
            {"alg": _ALGORITHM, "kid": self.id}, payload, self.key, registry=_REGISTRY
        )

    def open(self, line: str) -> bytes:
        """What was signed. Raises NotSigned."""
        try:
            return jws.deserialize_compact(line, self.key, registry=_REGISTRY).payload
        except _BROKEN as trouble:
            raise NotSigned(type(trouble).__name__) from trouble


def new_key() -> AnchorKey:
    """A fresh key."""
    return AnchorKey(OKPKey.generate_key("Ed25519", private=True))


def read_key(path: Path) -> AnchorKey | None:
    """The key in a file, private or public; None without a file. Raises NotSigned for anything else."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        return AnchorKey(OKPKey.import_key(json.loads(text)))
    except _BROKEN as trouble:
        raise NotSigned(f"{path.name} holds no key") from trouble


def own_key(path: Path) -> AnchorKey:
    """The installation's key, made when there is none yet. Two processes that make one agree on the first."""
    known = read_key(path)
    if known is not None:
        return known
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(new_key().private())
        file.flush()
        os.fsync(file.fileno())
    # A link is refused where a rename would replace what another process has just begun to sign with.
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(partial)
    partial.unlink()
    made = read_key(path)
    assert made is not None, "it was just made"
    return made
