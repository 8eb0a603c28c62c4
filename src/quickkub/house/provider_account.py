"""A merchant's account at a provider: tried there first, then stored with its credentials sealed."""

from __future__ import annotations

from collections.abc import Mapping

from quickkub.audit import Act, Actor, ActorKind, acting, record
from quickkub.cli.wiring import AddedAccount
from quickkub.connectors import registry
from quickkub.connectors.particulars import loose_account, sort
from quickkub.house.provider_check import check
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId
from quickkub.merchants.accounts import open_account
from quickkub.merchants.lifecycle import MerchantNotFound
from quickkub.storage import open_database
from quickkub.storage.scope import HOUSE
from quickkub.storage.vault import Vault


class DoesNotWork(Refusal):
    """The provider did not take these credentials, or could not be asked; the account was not stored."""

    code, kind = "provider_account_does_not_work", Kind.UNPROCESSABLE


async def add(
    name: str,
    merchant: str,
    said: Mapping[str, str],
    *,
    mode: str,
    dsn: str,
    vault: Vault,
    public_url: str,
) -> AddedAccount:
    """Store an account that its provider knows. Its callbacks come to the address that is returned.

    Raises UnknownProvider, BadParticulars, CannotCheck, MerchantNotFound, DoesNotWork; nothing is
    written then.
    """
    manifest = registry.connector(name).manifest
    settings, credentials = sort(manifest, said)
    db = await open_database(dsn, size_max=1, scope=HOUSE)
    try:
        async with db.read() as reader:
            if not await reader.fetchval("SELECT true FROM merchants WHERE id = $1", merchant):
                raise MerchantNotFound
        found = await check(loose_account(manifest, said, mode=mode))
        if not found.works:
            raise DoesNotWork(f"{name}: {found.told}")
        async with db.transaction() as tx:
            account, token = await open_account(
                tx,
                vault,
                MerchantId(merchant),
                mode=mode,
                provider=name,
                settings=settings,
                credentials=credentials,
            )
            entry = Act(
                "provider_account.added",
                "provider_account",
                account,
                MerchantId(merchant),
                mode,
                after={"provider": name},
            )
            with acting(Actor(ActorKind.SYSTEM, "quickkub provider")):
                await record(tx, entry)
    finally:
        await db.close()
    return AddedAccount(account, f"{public_url}/callbacks/{name}/{token}", found.told)
