"""Which client asks at the token endpoint, and whether it proves it (RFC 6749 2.3, RFC 7523 2.2)."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from quickkub.access import jose
from quickkub.access.oauth import store
from quickkub.access.oauth.clients import Client, client_from
from quickkub.access.oauth.errors import OAuthClientRefused
from quickkub.access.tokens_keys import LEEWAY_SECONDS
from quickkub.access.tokens_opaque import digest
from quickkub.audit import Act, ActorKind, acting, current_actor, record
from quickkub.kernel.clock import Clock
from quickkub.kernel.ids import has_shape
from quickkub.kernel.secrets import Secret
from quickkub.storage import Database
from quickkub.storage.scope import for_merchant, house

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS_MAX: Final = 3600
"""Common client libraries make assertions of an hour; each serves once, so a long one is no worse than a
short."""

_JTI_LETTERS_MAX: Final = 255


@dataclass(frozen=True, slots=True)
class Proof:
    """What a client brought along: a secret, or an assertion, or only its name."""

    client: str
    secret: Secret | None = None
    assertion: str | None = None


class Doorkeeper:
    """Tells who a client is."""

    def __init__(self, db: Database, clock: Clock, *, audiences: tuple[str, ...]) -> None:
        """`audiences`: what a client's assertion may be addressed to, the issuer or the token endpoint."""
        self._db = db
        self._clock = clock
        self._audiences = audiences

    async def client(self, proof: Proof) -> Client:
        """The client that proved to be itself. Raises OAuthClientRefused, DatabaseAway.

        A refused try at a client that exists is written into its merchant's audit log.
        """
        found = await self._find(proof.client)
        # A secret is always compared with something, so that an unknown client takes as long as a known one.
        if await self._proves(found, proof) and found is not None:
            return found
        if found is not None:
            with acting_as_client(found), for_merchant(found.merchant):
                async with self._db.transaction() as tx:
                    await record(
                        tx,
                        Act(
                            "client_login.refused",
                            "oauth_client",
                            found.id,
                            found.merchant,
                            found.mode,
                            outcome="refused",
                        ),
                    )
        raise OAuthClientRefused

    async def known(self, client: str) -> Client | None:
        """The client of this name, if it may ask at all; nothing is proven."""
        return await self._find(client)

    async def _find(self, client: str) -> Client | None:
        if not has_shape(client, "cli"):
            return None
        # A client names itself before anybody knows whose it is.
        with house():
            async with self._db.read() as reader:
                row = await store.find_client(reader, client)
        if row is None or row["merchant_state"] != "active":
            return None
        return client_from(row)

    async def _proves(self, client: Client | None, proof: Proof) -> bool:
        method = client.auth_method if client is not None else "client_secret"
        match method:
            case "client_secret":
                given = digest(proof.secret.reveal() if proof.secret is not None else "")
                kept = client.secret_hash if client is not None else None
                same = hmac.compare_digest(given, kept or bytes(32))
                return same and kept is not None and proof.secret is not None
            case "private_key_jwt":
                return (
                    client is not None
                    and proof.secret is None
                    and proof.assertion is not None
                    and await self._is_signed(client, proof.assertion)
                )
            case _:
                return proof.secret is None and proof.assertion is None

    async def _is_signed(self, client: Client, assertion: str) -> bool:
        named = jose.kid_named(assertion)
        keys = [key for key in jose.client_keys(client.jwks) if named is None or key.kid == named]
        opened = (jose.opened(assertion, key, (None, "JWT", "jwt")) for key in keys)
        said = next((claims for claims in opened if claims is not None), None)
        if said is None or not self._is_for_us(client, said):
            return False
        with for_merchant(client.merchant):
            async with self._db.transaction() as tx:
                # One that was brought before proves nothing: it may have been read on its way (RFC 7523 5.2).
                return await store.use_assertion(
                    tx,
                    client.merchant,
                    client.id,
                    digest(said["jti"]),
                    life_seconds=ASSERTION_SECONDS_MAX + 2 * LEEWAY_SECONDS,
                )

    def _is_for_us(self, client: Client, said: dict[str, Any]) -> bool:
        now = int(self._clock.now().timestamp())
        audience, jti, expires, issued = (said.get(name) for name in ("aud", "jti", "exp", "iat"))
        if isinstance(audience, list) and len(audience) == 1:
            audience = audience[0]
        if said.get("iss") != client.id or said.get("sub") != client.id or audience not in self._audiences:
            return False
        if not isinstance(jti, str) or not 1 <= len(jti) <= _JTI_LETTERS_MAX or type(expires) is not int:
            return False
        if issued is not None and (type(issued) is not int or issued > now + LEEWAY_SECONDS):
            return False
        return now - LEEWAY_SECONDS < expires <= now + ASSERTION_SECONDS_MAX + LEEWAY_SECONDS


@contextmanager
def acting_as_client(client: Client) -> Iterator[None]:
    """Everything in the block is done by this client, from where the request came."""
    with acting(replace(current_actor(), kind=ActorKind.CLIENT, id=client.id, role=None)):
        yield
