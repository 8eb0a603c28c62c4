"""SQL for the checkout page: one payment by its token, how many of them stand, and asking sooner."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Any, Final

from quickkub.checkout.model import Checkout, Key, Standing
from quickkub.checkout.steps import read_step
from quickkub.kernel.ids import MerchantId, PaymentId
from quickkub.kernel.money import CURRENCIES, Money
from quickkub.kernel.tokens import merchant_of
from quickkub.payments.forms import form_place, whole_step
from quickkub.payments.states import PaymentState
from quickkub.storage import Connection, Row
from quickkub.storage.vault import Vault

_NOBODY: Final = MerchantId("mer_" + "0" * 32)
_NO_TOKEN: Final = "A" * 43
"""The all-zero merchant and its all-zero token. Nobody has them, for a UUIDv7 is never all zeros; they are
asked for when a text is no token at all."""

_FIND: Final = """
SELECT p.merchant_id, p.id, p.mode, p.amount, p.currency, p.method, p.reference, p.description, p.return_url,
       p.checkout_token, p.state, p.failure_code, p.expires_at, p.updated_at, p.paid_at, now() AS seen_at,
       m.name, m.name_th, a.id AS attempt_id, a.next_action, a.form_fields
  FROM payments p
  JOIN merchants m ON m.id = p.merchant_id
  LEFT JOIN LATERAL (SELECT id, next_action, form_fields FROM attempts
                      WHERE merchant_id = p.merchant_id AND payment_id = p.id
                      ORDER BY created_at DESC, id DESC LIMIT 1) a ON true
 WHERE p.merchant_id = $1 AND p.checkout_token = $2
"""

_LOOK: Final = """
SELECT p.merchant_id, p.id, p.state, p.failure_code, p.expires_at, p.updated_at, p.paid_at, now() AS seen_at
  FROM unnest($1::text[], $2::text[]) AS watched (merchant_id, id)
  JOIN payments p ON p.merchant_id = watched.merchant_id AND p.id = watched.id
"""


ASK_AGAIN_SECONDS: Final = 2
"""A payer who comes back brings an inquiry forward, but not sooner than this after the one before: whoever
holds a link could otherwise make us ask the bank as often as they like."""

_ASK_SOON: Final = """
UPDATE attempts SET next_check_at = now()
 WHERE merchant_id = $1 AND payment_id = $2
   AND state IN ('requires_action', 'processing', 'unknown') AND next_check_at > clock_timestamp()
   AND (last_check_at IS NULL OR last_check_at <= clock_timestamp() - make_interval(secs => $3))
"""
# Not compared with now(): one who had to wait for the row began earlier than the one who wrote it.


async def ask_soon(connection: Connection, key: Key) -> bool:
    """Let the next inquiry about a payment's open attempt be due now; returns whether it was brought forward.

    One statement, which decides and writes at once. It changes the time of a question and nothing else, and
    does nothing when the question is due already, under way, or was asked in the last ASK_AGAIN_SECONDS.
    """
    done: str = await connection.execute(_ASK_SOON, key.merchant, key.payment, ASK_AGAIN_SECONDS)
    return done != "UPDATE 0"


async def find_checkout(reader: Connection, vault: Vault, token: str) -> Checkout | None:
    """The payment behind a checkout link, or None.

    A text that is no token, a token nobody was given and a token of a merchant we do not know all cost the
    same one lookup, so that the time of the answer tells nothing.
    """
    merchant = merchant_of(token)
    if merchant is None:
        merchant, token = _NOBODY, _NO_TOKEN
    row = await reader.fetchrow(_FIND, merchant, token)
    if row is None or not hmac.compare_digest(row["checkout_token"].encode(), token.encode()):
        return None
    return Checkout(
        key=Key(MerchantId(row["merchant_id"]), PaymentId(row["id"])),
        mode=row["mode"],
        amount=Money(row["amount"], CURRENCIES[row["currency"]]),
        method=row["method"],
        merchant_name=row["name"],
        merchant_name_th=row["name_th"],
        reference=row["reference"],
        description=row["description"],
        return_url=row["return_url"],
        step=read_step(_action(vault, row), row["mode"]),
        standing=_standing(row),
    )


async def look_at(reader: Connection, keys: Iterable[Key]) -> dict[Key, Standing]:
    """How these payments stand now, in one statement however many they are."""
    asked = list(keys)
    rows = await reader.fetch(_LOOK, [key.merchant for key in asked], [key.payment for key in asked])
    return {Key(row["merchant_id"], row["id"]): _standing(row) for row in rows}


def _action(vault: Vault, row: Row) -> dict[str, Any] | None:
    place = form_place(row["merchant_id"], row["attempt_id"] or "", row["mode"])
    return whole_step(vault, row["next_action"], row["form_fields"], place)


def _standing(row: Row) -> Standing:
    return Standing(
        state=PaymentState(row["state"]),
        failure_code=row["failure_code"],
        expires_at=row["expires_at"],
        updated_at=row["updated_at"],
        paid_at=row["paid_at"],
        seen_at=row["seen_at"],
    )
