"""Trying an account at its provider: the question only the right credentials are answered."""

from __future__ import annotations

from collections.abc import Mapping

from quickkub.cli.wiring import CheckResult
from quickkub.connectors import registry
from quickkub.connectors.contract import Account, Checkable, Declined, NotSent, Unknown, Works
from quickkub.connectors.particulars import loose_account
from quickkub.connectors.transport import Line
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId
from quickkub.merchants.accounts import account_by_id
from quickkub.storage import open_database
from quickkub.storage.scope import HOUSE
from quickkub.storage.vault import Vault

_SECRET_LETTERS_MIN = 4


class NoSuchAccount(Refusal):
    """There is no such account of this merchant at this provider."""

    code, kind = "provider_account_not_found", Kind.NOT_FOUND


class CannotCheck(Refusal):
    """This provider offers no harmless question; only a payment would show whether the account works."""

    code, kind = "provider_cannot_be_checked", Kind.UNPROCESSABLE


async def check_particulars(name: str, said: Mapping[str, str], *, mode: str) -> CheckResult:
    """Try settings and credentials. Raises BadParticulars, CannotCheck, UnknownProvider."""
    return await check(loose_account(registry.providers()[name], said, mode=mode))


async def check_stored(name: str, merchant: str, account: str, dsn: str, vault: Vault) -> CheckResult:
    """Try an account of the database. Raises NoSuchAccount, CannotCheck."""
    db = await open_database(dsn, size_max=1, scope=HOUSE)
    try:
        async with db.read() as reader:
            found = await account_by_id(reader, vault, MerchantId(merchant), account)
    finally:
        await db.close()
    if found is None or found.provider != name:
        raise NoSuchAccount(f"this merchant has no account {account[:40]!r} at {name}", param="account")
    return await check(Account(found.merchant, found.id, found.mode, name, found.settings, found.credentials))


async def check(account: Account) -> CheckResult:
    """Ask the provider. Raises CannotCheck."""
    connector = registry.connector(account.provider)
    if not isinstance(connector, Checkable):
        raise CannotCheck(f"{account.provider} offers nothing to check an account with")
    line = Line(registry.connector)
    try:
        outcome = (await line.run(account, connector.check(account))).outcome
    finally:
        await line.close()
    match outcome:
        case Works():
            told = f"works: {outcome.told}"
        case Declined():
            told = f"does not work: {outcome.failure.value} {outcome.provider_code} {outcome.message}"
        case NotSent():
            told = f"was not reached: {outcome.reason}"
        case Unknown():
            told = f"cannot be told: {outcome.cause}"
    return CheckResult(isinstance(outcome, Works), _hidden(told, account))


def _hidden(text: str, account: Account) -> str:
    """A provider may repeat what it was told; a credential is still not printed."""
    for secret in account.credentials.values():
        if len(secret.reveal()) >= _SECRET_LETTERS_MIN:
            text = text.replace(secret.reveal(), "***")
    return text
