"""Builders for tests of tokens and OAuth2: a merchant, a person in it, a client, and the server over them."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from quickkub.access.oauth.ask import SignedIn
from quickkub.access.oauth.clients import Client, NewClient
from quickkub.access.oauth.identify import Proof
from quickkub.access.oauth.service import OAuth, oauth_over
from quickkub.access.oauth.settle import Answer
from quickkub.access.tokens import Tokens
from quickkub.access.tokens_keys import StoredKeyring
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.secrets import Secret
from quickkub.storage import Database
from quickkub.storage.scope import house
from tests.support.clock import MovedClock
from tests.support.shop import VAULT

ISSUER = "https://pay.shop.test"
BACK = "https://app.example.com/back"
PERMISSIONS = ("payments:read", "payments:write", "refunds:write")


async def new_merchant(db: Database) -> MerchantId:
    """An active merchant."""
    merchant = MerchantId(new_id("mer"))
    with house():
        async with db.transaction() as tx:
            await tx.execute("INSERT INTO merchants (id, name) VALUES ($1, 'A shop')", merchant)
    return merchant


async def new_person(db: Database, merchant: MerchantId | None, role: str = "owner") -> str:
    """A user, with a role in the merchant where one is named."""
    user = new_id("usr")
    email = f"{user}@example.com"
    with house():
        async with db.transaction() as tx:
            await tx.execute(
                "INSERT INTO users (id, email, email_normal, name, locale)"
                " VALUES ($1, $2, $2, 'Somchai', 'th')",
                user,
                email,
            )
            if merchant is not None:
                await tx.execute(
                    "INSERT INTO members (merchant_id, user_id, role) VALUES ($1, $2, $3)",
                    merchant,
                    user,
                    role,
                )
    return user


def verifier_and_challenge() -> tuple[str, str]:
    """A PKCE verifier and its S256 challenge."""
    verifier = secrets.token_urlsafe(48)
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    return verifier, made.rstrip(b"=").decode()


def parts_of(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a JWT, unproven."""
    head, claims = (json.loads(base64.urlsafe_b64decode(one + "==")) for one in token.split(".")[:2])
    return head, claims


def answer_in(address: str) -> dict[str, str]:
    """The parameters in a redirect address."""
    return {
        name: values[0] for name, values in parse_qs(urlsplit(address).query, strict_parsing=True).items()
    }


@dataclass
class Server:
    """The OAuth2 server, one merchant with an owner, and the clock it goes by."""

    db: Database
    clock: MovedClock
    oauth: OAuth
    merchant: MerchantId
    owner: SignedIn
    secrets: dict[str, Secret] = field(default_factory=dict)

    @property
    def tokens(self) -> Tokens:
        return self.oauth.tokens

    async def registers(self, **particulars: Any) -> Client:
        """A client with a secret that may do everything, or as said otherwise."""
        usual: dict[str, Any] = {
            "name": "Till",
            "auth_method": "client_secret",
            "grant_types": ("authorization_code", "refresh_token", "client_credentials"),
            "scopes": PERMISSIONS,
            "redirect_uris": (BACK,),
        }
        mode = particulars.pop("mode", "test")
        with house():
            client, secret = await self.oauth.clients.create(
                self.merchant, mode, NewClient(**usual | particulars), by=None
            )
        if secret is not None:
            self.secrets[client.id] = secret
        return client

    def proof(self, client: Client) -> Proof:
        return Proof(client.id, self.secrets.get(client.id))

    def question(self, client: Client, challenge: str, **more: str | None) -> dict[str, str]:
        asked: dict[str, str | None] = {
            "response_type": "code",
            "client_id": client.id,
            "redirect_uri": client.redirect_uris[0],
            "state": "s-1",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (asked | more).items() if value is not None}

    async def agrees(self, client: Client, challenge: str, **more: str | None) -> dict[str, str]:
        """The owner is asked and says yes. Returns what the client hears."""
        asked = await self.oauth.asking.read(self.question(client, challenge, **more))
        consent = await self.oauth.asking.show(asked, self.owner)
        return answer_in(await self.oauth.asking.answer(consent.ticket.reveal(), self.owner, agrees=True))

    async def settles(self, client: Client, given: Mapping[str, str]) -> Answer:
        known = await self.oauth.door.client(self.proof(client))
        return await self.oauth.settling.settle(known, given)

    async def signs_in(self, client: Client, **more: str | None) -> Answer:
        """The whole way from the question to tokens."""
        verifier, challenge = verifier_and_challenge()
        heard = await self.agrees(client, challenge, **more)
        return await self.settles(client, by_code(heard["code"], verifier))

    async def refreshes(self, client: Client, token: Secret | None, **more: str) -> Answer:
        assert token is not None
        return await self.settles(
            client, {"grant_type": "refresh_token", "refresh_token": token.reveal(), **more}
        )

    async def time_passes(self, seconds: int) -> None:
        """For the clock, and for everything whose life the database measures."""
        self.clock.moves(seconds)
        with house():
            async with self.db.transaction() as tx:
                for table, columns in _TIMES.items():
                    changes = ", ".join(f"{one} = {one} - make_interval(secs => $1)" for one in columns)
                    await tx.execute(f"UPDATE {table} SET {changes}", seconds)

    async def audited(self) -> list[str]:
        with house():
            async with self.db.read() as reader:
                return [
                    row["action"] for row in await reader.fetch("SELECT action FROM audit_logs ORDER BY id")
                ]


_TIMES = {
    "signing_keys": ("published_at", "current_since", "old_since"),
    "oauth_grants": ("created_at", "ends_at"),
    "refresh_tokens": ("issued_at", "expires_at"),
    "oauth_authorizations": ("created_at", "ends_at", "code_ends_at"),
    "oauth_assertions": ("ends_at",),
}


def by_code(code: str, verifier: str, address: str = BACK) -> dict[str, str]:
    return {
        "grant_type": "authorization_code",
        "code": code,
        "code_verifier": verifier,
        "redirect_uri": address,
    }


async def open_server(db: Database) -> Server:
    """A server on a fresh database."""
    merchant = await new_merchant(db)
    owner = SignedIn(await new_person(db, merchant), new_id("ses"), "Somchai")
    clock = MovedClock()
    tokens = Tokens(db, StoredKeyring(db, VAULT, clock), clock, issuer=ISSUER)
    return Server(db, clock, oauth_over(db, tokens, clock), merchant, owner)
