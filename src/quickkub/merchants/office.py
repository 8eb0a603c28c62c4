"""Merchants and their keys, for whoever runs the gateway and sits at its machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quickkub.audit import Act, record
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId
from quickkub.kernel.secrets import Secret
from quickkub.merchants import key_making, store
from quickkub.merchants.keys import KeyKind, open_key
from quickkub.merchants.lifecycle import MerchantNotFound, create
from quickkub.merchants.profile import merchants, profile
from quickkub.merchants.return_list import replace_return_list, return_list
from quickkub.merchants.states import MerchantState
from quickkub.storage import Connection, Database

_NAME_LETTERS_MAX = 100
_LISTED_MAX = 1_000


class MerchantNameInvalid(Refusal):
    """A merchant's name has 1 to 100 characters."""

    code, kind = "merchant_name_invalid", Kind.INVALID


class MerchantOffice:
    """What the commands do."""

    def __init__(self, db: Database, pepper: Secret) -> None:
        self._db, self._pepper = db, pepper

    async def create(self, name: str, *, pending: bool) -> tuple[MerchantId, Secret]:
        """A merchant and its first test key. Raises MerchantNameInvalid."""
        if not (name.strip() and name.isprintable() and len(name) <= _NAME_LETTERS_MAX):
            raise MerchantNameInvalid(f"a name has 1 to {_NAME_LETTERS_MAX} characters", param="name")
        async with self._db.transaction() as tx:
            state = MerchantState.PENDING if pending else MerchantState.ACTIVE
            merchant = await create(tx, name, state=state)
            _, key = await self._key(tx, merchant, "test", KeyKind.SECRET)
        return merchant, key

    async def newest(self) -> list[dict[str, Any]]:
        """The newest merchants."""
        async with self._db.read() as reader:
            return await merchants(reader, state=None, after=None, limit=_LISTED_MAX)

    async def make_key(self, merchant: str, mode: str, kind: KeyKind) -> tuple[str, Secret]:
        """A further key. Raises MerchantNotFound."""
        async with self._db.transaction() as tx:
            whose = await self._exists(tx, merchant)
            return await self._key(tx, whose, mode, kind)

    async def keys(self, merchant: str, mode: str) -> list[dict[str, Any]]:
        """Keys of a merchant, as shown. Raises MerchantNotFound."""
        async with self._db.read() as reader:
            whose = await self._exists(reader, merchant)
            rows = await store.list_keys(reader, whose, mode, None, _LISTED_MAX)
        return [key_making.view_of(row) for row in rows]

    async def revoke_key(self, merchant: str, key_id: str) -> bool:
        """Refuse a key from now on. False: it is not there, or was revoked before."""
        async with self._db.transaction() as tx:
            whose = await self._exists(tx, merchant)
            done = await store.revoke_key(tx, whose, key_id)
            if done:
                await record(tx, Act("key.revoked", "api_key", key_id, whose))
        return done

    async def return_addresses(self, merchant: str, wanted: Sequence[str] | None) -> list[str]:
        """Where payers may be sent back to; `wanted` replaces the list. Raises MerchantNotFound and
        ReturnAddressInvalid."""
        async with self._db.transaction() as tx:
            whose = await self._exists(tx, merchant)
            if wanted is None:
                return await return_list(tx, whose)
            return await replace_return_list(tx, whose, wanted)

    async def _key(
        self, tx: Connection, merchant: MerchantId, mode: str, kind: KeyKind
    ) -> tuple[str, Secret]:
        key_id, key = await open_key(tx, self._pepper, merchant, mode, kind)
        after = {"kind": key_making.WORDS[kind]}
        await record(tx, Act("key.created", "api_key", key_id, merchant, mode, after=after))
        return key_id, key

    async def _exists(self, reader: Connection, merchant: str) -> MerchantId:
        await profile(reader, MerchantId(merchant))
        return MerchantId(merchant)


__all__ = ["MerchantNotFound", "MerchantOffice"]
