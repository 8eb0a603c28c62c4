"""People who work for a merchant, written straight into the tables."""

from __future__ import annotations

from dataclasses import dataclass

from quickkub.access.permissions import permissions_of
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.merchants.keys import Caller
from quickkub.merchants.lifecycle import create
from quickkub.merchants.states import MerchantState
from quickkub.storage import Database


@dataclass(frozen=True)
class Person:
    """A user, and their part in one merchant."""

    id: str
    email: str
    caller: Caller


async def add_user(database: Database, name: str = "Somchai") -> tuple[str, str]:
    """A user who has shown their address to be theirs. Returns id and address."""
    user = new_id("usr")
    email = f"{name.lower()}-{user[-8:]}@example.com"
    async with database.transaction() as tx:
        await tx.execute(
            """
            INSERT INTO users (id, email, email_normal, name, locale, email_verified_at)
            VALUES ($1, $2, $2, $3, 'th', now())
            """,
            user,
            email,
            name,
        )
    return user, email


async def add_member(database: Database, merchant: MerchantId, role: str, mode: str = "test") -> Person:
    """A member of a merchant, as the caller a token of theirs would make them."""
    user, email = await add_user(database, role)
    async with database.transaction() as tx:
        await tx.execute(
            "INSERT INTO members (merchant_id, user_id, role) VALUES ($1, $2, $3)", merchant, user, role
        )
    return Person(user, email, caller(merchant, role, user, mode))


def caller(merchant: MerchantId, role: str, user: str, mode: str = "test") -> Caller:
    """A person whose token holds everything their role may do."""
    return Caller(merchant, mode, scopes=permissions_of(role), user_id=user, role=role)


async def add_merchant(
    database: Database, name: str = "Som Tam Shop", state: MerchantState = MerchantState.ACTIVE
) -> MerchantId:
    """A merchant without anything."""
    async with database.transaction() as tx:
        return await create(tx, name, state=state)
