"""An attempt in the connectors' words; the same words on every resend (P10)."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Final

from quickkub.connectors.contract import Account, Order, Payer
from quickkub.fraud.screen import CHALLENGED
from quickkub.merchants.accounts import account_by_id
from quickkub.payments.model import Attempt, Payment
from quickkub.payments.office import Office
from quickkub.payments.routing import as_account
from quickkub.payments.states import OPEN, AttemptState
from quickkub.storage import Connection
from quickkub.storage.vault import Place, Vault

NOBODY: Final = Payer()


def _place(merchant: str, payment: str, mode: str) -> Place:
    return Place("payments", "payer", merchant, payment, mode=mode)


def seal_payer(vault: Vault, payer: Payer, merchant: str, payment: str, mode: str) -> bytes | None:
    """What was said about the payer, as it is stored; None when nothing was."""
    if payer == NOBODY:
        return None
    said = {name: value for name, value in asdict(payer).items() if value}
    return vault.seal(json.dumps(said).encode(), _place(merchant, payment, mode))


def payer_of(vault: Vault, payment: Payment) -> Payer:
    """The payer as the merchant described them; empty once erased."""
    if payment.sealed_payer is None:
        return NOBODY
    opened = vault.open(bytes(payment.sealed_payer), _place(payment.merchant, payment.id, payment.mode))
    return Payer(**json.loads(opened))


def order_for(office: Office, attempt: Attempt, payment: Payment) -> Order:
    """`wanted` is False once the payment ended, its time is up, or this attempt failed and another took its
    place: a connector then confirms nothing."""
    return Order(
        reference=attempt.reference,
        amount=attempt.amount,
        method=payment.method,
        asked_at=attempt.created_at,
        expires_at=payment.expires_at,
        now=payment.seen_at,
        provider_reference=attempt.provider_reference,
        description=payment.description or "",
        return_url=f"{office.public_url}/pay/{payment.checkout_token}/back",
        capture_later=payment.capture_later,
        wanted=payment.state in OPEN and not payment.time_is_up and attempt.state is not AttemptState.FAILED,
        payer=payer_of(office.vault, payment),
        challenge=payment.screening == CHALLENGED,
    )


async def account_of(office: Office, reader: Connection, attempt: Attempt) -> Account:
    """The provider account an attempt was made at, enabled or not."""
    found = await account_by_id(reader, office.vault, attempt.merchant, attempt.account)
    assert found is not None, "a foreign key holds the account"
    return as_account(found, office.public_url)
