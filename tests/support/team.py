"""People of a merchant and of the platform, asking over HTTP with tokens and sessions."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import aiohttp

from quickkub.access import members
from quickkub.access.permissions import Role
from quickkub.access.service import Access
from quickkub.access.sessions import csrf_token
from quickkub.api.app import create_app
from quickkub.api.auth_routes.cookies import CookieRules
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.merchants.keys import Caller, KeyRefused
from quickkub.merchants.scopes import MERCHANT_PERMISSIONS
from quickkub.storage import Database
from quickkub.storage.scope import house
from tests.support.api import Client, Told, key_for, services_for
from tests.support.people import add_user
from tests.support.server import serving
from tests.support.shop import open_shop
from tests.support.signing_in import People


class Staff:
    """Access tokens that name a person; which role they have is asked at every request."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._people: dict[str, tuple[MerchantId, str, str]] = {}
        self.sessions: dict[str, str] = {}

    def token(self, merchant: MerchantId, user: str, mode: str) -> str:
        token = new_id("tok")
        self._people[token] = merchant, user, mode
        return token

    async def caller(self, token: str) -> Caller:
        if token not in self._people:
            raise KeyRefused
        merchant, user, mode = self._people[token]
        with house():
            async with self._db.read() as reader:
                role = await members.role_of(reader, merchant, user)
        if role is None:
            raise KeyRefused
        session = await self.session(user)
        return Caller(
            merchant, mode, scopes=MERCHANT_PERMISSIONS, user_id=user, role=role, session_id=session
        )

    async def session(self, user: str) -> str:
        """Where they let the token in, having just shown password and second factor."""
        if user not in self.sessions:
            self.sessions[user] = new_id("ses")
            async with self._db.transaction() as tx:
                await tx.execute(
                    "INSERT INTO second_factors (user_id, secret, confirmed_at) VALUES ($1, $2, now())"
                    " ON CONFLICT DO NOTHING",
                    user,
                    b"sealed",
                )
                await tx.execute(
                    "INSERT INTO sessions (id, token_hash, user_id, second_factor, ends_at)"
                    " VALUES ($1, $2, $3, true, now() + interval '1 hour')",
                    self.sessions[user],
                    secrets.token_bytes(32),
                    user,
                )
        return self.sessions[user]


@dataclass
class Operator(Client):
    """Somebody with an operator's role, signed in, on our own page."""

    token: str = ""

    def shown(self) -> dict[str, str]:
        """The headers a browser sends from our own page."""
        rules = CookieRules(self.services.settings.public_url)
        return {
            "Cookie": f"{rules.name}={self.token}",
            "Origin": min(rules.origins),
            "X-CSRF-Token": csrf_token(self.token),
        }

    async def asks(self, method: str, path: str, *, headers: Any = None, **more: Any) -> Told:
        return await super().asks(method, path, headers=self.shown() | dict(headers or {}), **more)


@dataclass
class Team:
    """A gateway where people ask. `shop` asks with a secret key of its own."""

    database: Database
    shop: Client
    staff: Staff
    people: People

    @property
    def merchant(self) -> MerchantId:
        return self.shop.shop.merchant

    async def member(self, role: str, *, mode: str = "test", merchant: MerchantId | None = None) -> Client:
        """A new member of the merchant, with a token."""
        whose = merchant or self.merchant
        user, _ = await add_user(self.database, role)
        await self.joins(user, role, whose)
        return self.as_user(user, mode=mode, merchant=whose)

    async def joins(self, user: str, role: str, merchant: MerchantId) -> None:
        async with self.database.transaction() as tx:
            await tx.execute(
                "INSERT INTO members (merchant_id, user_id, role) VALUES ($1, $2, $3)", merchant, user, role
            )
        await self.staff.session(user)

    def as_user(self, user: str, *, mode: str = "test", merchant: MerchantId | None = None) -> Client:
        """A client with a token of this person's."""
        return self.shop.with_key(self.staff.token(merchant or self.merchant, user, mode))

    async def operator(self, role: Role | None, *, second_factor: bool = True) -> Operator:
        """Somebody with an operator's role, signed in."""
        user = await self.people.person(f"{new_id('op')}@example.com", operator=role)
        token = await self.people.signs_in(user)
        if second_factor:
            _, _, token = await self.people.enrols(token)
        shop = self.shop
        return Operator(shop.session, shop.url, None, shop.shop, shop.services, token=token)


@contextlib.asynccontextmanager
async def team(database: Database, **services: Any) -> AsyncIterator[Team]:
    """A served gateway with people; `services` are told otherwise than usual."""
    shop = await open_shop(database)
    staff, people = Staff(database), People(database)
    people.stands_on(roles_of=members.roles_of, invited=members.invited, join=members.accept)
    given = services_for(database, shop)
    access = Access(replace(people.ground, db=given.db))
    given = replace(given, tokens=staff, access=access, **services)
    key = await key_for(database, shop.merchant)
    async with serving(create_app(given)) as url, aiohttp.ClientSession() as session:
        yield Team(database, Client(session, url, key, shop, given), staff, people)
