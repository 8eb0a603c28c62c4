"""Provider accounts: which provider a merchant may be paid through, with settings and sealed credentials."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.secrets import Secret
from quickkub.kernel.tokens import new_token
from quickkub.storage import Connection, Row
from quickkub.storage.vault import Place, Vault


@dataclass(frozen=True, slots=True)
class ProviderAccount:
    """An account as it is used: credentials opened, but unprintable."""

    merchant: MerchantId
    id: str
    mode: str
    provider: str
    settings: Mapping[str, str]
    credentials: Mapping[str, Secret]
    # The unguessable part of the address its callbacks come to; empty for accounts that never kept it.
    callback_token: str = ""


_CALLBACK_TOKEN = "callback_token"  # noqa: S105 -- the name under which it is sealed with the credentials


def _place(merchant: str, account: str, mode: str) -> Place:
    return Place("provider_accounts", "credentials", merchant, account, mode=mode)


def token_hash(callback_token: str) -> bytes:
    """What is stored of a callback address: enough to recognise it, not enough to call it."""
    return hashlib.sha256(callback_token.encode()).digest()


async def open_account(
    tx: Connection,
    vault: Vault,
    merchant: MerchantId,
    *,
    mode: str,
    provider: str,
    settings: Mapping[str, str],
    credentials: Mapping[str, str],
) -> tuple[str, str]:
    """Store an account. Returns its id and the callback token, which is kept sealed only."""
    account = new_id("acc")
    token = new_token(merchant)
    kept = {**credentials, _CALLBACK_TOKEN: token}
    sealed = vault.seal(json.dumps(kept).encode(), _place(merchant, account, mode))
    await tx.execute(
        """
        INSERT INTO provider_accounts (merchant_id, id, mode, provider, settings, credentials,
                                       callback_token_hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        merchant,
        account,
        mode,
        provider,
        dict(settings),
        sealed,
        token_hash(token),
    )
    return account, token


async def change_settings(
    tx: Connection, merchant: MerchantId, account: str, settings: Mapping[str, str]
) -> None:
    """Replace the settings that are in clear."""
    await tx.execute(
        "UPDATE provider_accounts SET settings = $3 WHERE merchant_id = $1 AND id = $2",
        merchant,
        account,
        dict(settings),
    )


_COLUMNS = "merchant_id, id, mode, provider, settings, credentials"


def columns_of(table: str, prefix: str) -> str:
    """The columns of an account in a table by another name, each under a name with a prefix."""
    return ", ".join(f"{table}.{name} AS {prefix}{name}" for name in _COLUMNS.split(", "))


def read_account(row: Row, vault: Vault, prefix: str = "") -> ProviderAccount:
    """An account from its columns, credentials opened. Raises CannotOpen."""
    merchant, account, mode = (row[prefix + name] for name in ("merchant_id", "id", "mode"))
    opened = json.loads(vault.open(bytes(row[prefix + "credentials"]), _place(merchant, account, mode)))
    token = opened.pop(_CALLBACK_TOKEN, "")
    return ProviderAccount(
        merchant=MerchantId(merchant),
        id=account,
        mode=mode,
        provider=row[prefix + "provider"],
        settings=row[prefix + "settings"],
        credentials={name: Secret(value) for name, value in opened.items()},
        callback_token=token,
    )


async def enabled_accounts(
    reader: Connection, vault: Vault, merchant: MerchantId, mode: str
) -> list[ProviderAccount]:
    """All accounts of a merchant in one mode that may be used, in the order they were opened."""
    rows = await reader.fetch(
        f"""
        SELECT {_COLUMNS} FROM provider_accounts
         WHERE merchant_id = $1 AND mode = $2 AND enabled ORDER BY id
        """,  # noqa: S608
        merchant,
        mode,
    )
    return [read_account(row, vault) for row in rows]


async def account_by_id(
    reader: Connection, vault: Vault, merchant: MerchantId, account: str
) -> ProviderAccount | None:
    """One account, enabled or not: money may still arrive at an account that is no longer offered."""
    row = await reader.fetchrow(
        f"SELECT {_COLUMNS} FROM provider_accounts WHERE merchant_id = $1 AND id = $2",  # noqa: S608
        merchant,
        account,
    )
    return read_account(row, vault) if row else None


async def account_by_callback_token(
    reader: Connection, vault: Vault, merchant: MerchantId, provider: str, callback_token: str
) -> ProviderAccount | None:
    """The account a callback address belongs to, or None when nobody was given this address."""
    row = await reader.fetchrow(
        f"""
        SELECT {_COLUMNS} FROM provider_accounts
         WHERE merchant_id = $1 AND callback_token_hash = $2 AND provider = $3
        """,  # noqa: S608
        merchant,
        token_hash(callback_token),
        provider,
    )
    return read_account(row, vault) if row else None


_SHOWN = "id, mode, provider, settings, enabled, created_at"
"""What anybody is shown of an account: what it is, and nothing that opens it."""


async def shown_accounts(reader: Connection, merchant: MerchantId, mode: str) -> list[Row]:
    """All accounts of a merchant in one mode, in the order they were opened, without credentials."""
    found: list[Row] = await reader.fetch(
        f"SELECT {_SHOWN} FROM provider_accounts WHERE merchant_id = $1 AND mode = $2 ORDER BY id",  # noqa: S608
        merchant,
        mode,
    )
    return found


async def shown_account(reader: Connection, merchant: MerchantId, mode: str, account: str) -> Row | None:
    """One of them."""
    row: Row | None = await reader.fetchrow(
        f"""
        SELECT {_SHOWN} FROM provider_accounts WHERE merchant_id = $1 AND mode = $2 AND id = $3
        """,  # noqa: S608 -- only our own column names are put in
        merchant,
        mode,
        account,
    )
    return row


async def switch(tx: Connection, merchant: MerchantId, mode: str, account: str, *, enabled: bool) -> bool:
    """Offer an account for new payments, or no more. False: there is no such account."""
    done: str = await tx.execute(
        "UPDATE provider_accounts SET enabled = $4 WHERE merchant_id = $1 AND mode = $2 AND id = $3",
        merchant,
        mode,
        account,
        enabled,
    )
    return done == "UPDATE 1"
