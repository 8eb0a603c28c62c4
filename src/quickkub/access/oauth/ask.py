"""Asking a person:

from the client's question to a code, by way of the consent page (RFC 6749 4.1, 9207, 9700).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from quickkub.access.oauth import rules, store
from quickkub.access.oauth.clients import CODE, Client
from quickkub.access.oauth.errors import (
    OAuthAccessDenied,
    OAuthAddressRefused,
    OAuthClientNotPermitted,
    OAuthRefused,
    OAuthRequestInvalid,
    OAuthResponseTypeUnsupported,
    OAuthTargetInvalid,
    OAuthTicketRefused,
)
from quickkub.access.oauth.identify import Doorkeeper
from quickkub.access.tokens import Tokens
from quickkub.access.tokens_opaque import Opaque, digest, merchant_in, new_opaque
from quickkub.audit import Act, record
from quickkub.kernel.secrets import Secret
from quickkub.storage import Database
from quickkub.storage.scope import for_merchant

CODE_SECONDS: Final = 60
TICKET_SECONDS: Final = 600
"""How long a person may look at the consent page."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person with a session. `session` names the session, so that another one cannot answer for it."""

    user: str
    session: str
    shown_name: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client wants, found good as far as the client goes."""

    client: Client
    redirect_uri: str
    scopes: frozenset[str]
    state: str | None
    challenge: str


@dataclass(frozen=True, slots=True)
class Consent:
    """What the consent page shows: who asks for what, and the ticket its form sends back."""

    client_name: str
    mode: str
    scopes: tuple[str, ...]
    redirect_uri: str
    ticket: Secret


class RedirectedRefusal(Exception):
    """A no that is told to the client at its redirect address, which is known to be its own."""

    def __init__(self, refusal: OAuthRefused, address: str) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal
        self.address = address


class Asking:
    """The way through the consent page."""

    def __init__(self, db: Database, tokens: Tokens, door: Doorkeeper) -> None:
        self._db = db
        self._tokens = tokens
        self._door = door

    async def read(self, given: Mapping[str, str]) -> Asked:
        """The client's question.

        Raises OAuthAddressRefused when it is not certain where an answer may go, RedirectedRefusal otherwise.
        """
        client = await self._door.known(given.get("client_id", ""))
        address = given.get("redirect_uri", "")
        if client is None or not rules.is_registered(address, client.redirect_uris):
            raise OAuthAddressRefused("the client or its redirect_uri is not known here")
        try:
            return self._understood(client, address, given)
        except OAuthRefused as refusal:
            raise RedirectedRefusal(refusal, self._answer(address, given, refusal)) from refusal

    def _understood(self, client: Client, address: str, given: Mapping[str, str]) -> Asked:
        state = rules.check_state(given.get("state"))
        if CODE not in client.grant_types:
            raise OAuthClientNotPermitted("this client may not ask people")
        if given.get("response_type") != "code":
            raise OAuthResponseTypeUnsupported("response_type is code", param="response_type")
        if given.get("response_mode", "query") != "query":
            raise OAuthRequestInvalid("response_mode is query", param="response_mode")
        if "request" in given or "request_uri" in given:
            raise OAuthRequestInvalid("requests are plain parameters", param="request")
        if given.get("resource", self._tokens.audience) != self._tokens.audience:
            raise OAuthTargetInvalid(f"the resource is {self._tokens.audience}", param="resource")
        challenge = rules.check_challenge(given.get("code_challenge"), given.get("code_challenge_method"))
        return Asked(client, address, rules.scopes_asked(given.get("scope"), client.scopes), state, challenge)

    async def show(self, asked: Asked, who: SignedIn) -> Consent:
        """What this person is to be shown.

        Raises RedirectedRefusal for somebody who cannot decide for the shop.
        """
        ticket = new_opaque(Opaque.TICKET, asked.client.merchant)
        with for_merchant(asked.client.merchant):
            async with self._db.transaction() as tx:
                role = await self._tokens.role_of(tx, asked.client.merchant, who.user)
                if role is not None:
                    await store.insert_authorization(
                        tx,
                        asked.client.merchant,
                        digest(ticket.reveal()),
                        client=asked.client.id,
                        mode=asked.client.mode,
                        user=who.user,
                        session=who.session,
                        redirect_uri=asked.redirect_uri,
                        scopes=asked.scopes,
                        state=asked.state,
                        challenge=asked.challenge,
                        life_seconds=TICKET_SECONDS,
                    )
        if role is None:
            refusal = OAuthAccessDenied("the person has no part in this merchant")
            given = {"state": asked.state} if asked.state is not None else {}
            raise RedirectedRefusal(refusal, self._answer(asked.redirect_uri, given, refusal))
        scopes = tuple(sorted(asked.scopes))
        return Consent(asked.client.name, asked.client.mode, scopes, asked.redirect_uri, ticket)

    async def answer(self, ticket: str, who: SignedIn, *, agrees: bool) -> str:
        """What the person said; returns the address to send them to. A ticket is answered once.

        Raises OAuthTicketRefused: the form is not one that this session was shown, or not any more.
        """
        merchant = merchant_in(ticket, Opaque.TICKET)
        if merchant is None:
            raise OAuthTicketRefused("the form is not known")
        code = new_opaque(Opaque.CODE, merchant)
        with for_merchant(merchant):
            async with self._db.transaction() as tx:
                row = await store.answer_authorization(
                    tx,
                    merchant,
                    digest(ticket),
                    user=who.user,
                    session=who.session,
                    code_hash=digest(code.reveal()) if agrees else None,
                    code_seconds=CODE_SECONDS,
                )
                if row is not None:
                    act = Act(
                        "oauth_consent.given" if agrees else "oauth_consent.denied",
                        "oauth_client",
                        row["client_id"],
                        merchant,
                        row["mode"],
                        after={"scopes": list(row["scopes"]), "user": who.user},
                    )
                    await record(tx, act)
        if row is None:
            raise OAuthTicketRefused("the form was answered before, is too old, or is not yours")
        given = {"state": row["state"]} if row["state"] is not None else {}
        if not agrees:
            return self._answer(row["redirect_uri"], given, OAuthAccessDenied("the person said no"))
        # The one secret that travels in an address: it lives a minute, once, and needs the verifier.
        return self._with(row["redirect_uri"], given, [("code", code.reveal())])

    def _answer(self, address: str, given: Mapping[str, str], refusal: OAuthRefused) -> str:
        said = [("error", refusal.error), ("error_description", refusal.detail)]
        return self._with(address, given, said)

    def _with(self, address: str, given: Mapping[str, str], said: list[tuple[str, str]]) -> str:
        state = given.get("state")
        back = [("state", state)] if state is not None and _is_sane(state) else []
        return rules.with_answer(address, [*said, *back, ("iss", self._tokens.issuer)])


def _is_sane(state: str) -> bool:
    try:
        return rules.check_state(state) == state
    except OAuthRequestInvalid:
        return False
