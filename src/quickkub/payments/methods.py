"""Which payment methods can be used here: those that a provider folder offers, or a merchant's accounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from quickkub.connectors.contract import Can, Manifest, MethodOffer
from quickkub.connectors.switches import is_on
from quickkub.kernel.money import THB
from quickkub.merchants.accounts import ProviderAccount
from quickkub.payments.model import CurrencyUnsupported
from quickkub.payments.routing import as_account
from quickkub.payments.thai_methods import THAI_METHODS, ThaiMethod
from quickkub.storage import Connection

__all__ = ["THAI_METHODS", "ThaiMethod", "list_methods", "offers_of", "own_methods", "seed"]

_SEED: Final = """
INSERT INTO thai_payment_methods (id, name_en, name_th, kind, amount_min, amount_max, providers, enabled,
                                  position)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (id) DO UPDATE SET name_en = excluded.name_en, name_th = excluded.name_th, kind = excluded.kind,
    amount_min = excluded.amount_min, amount_max = excluded.amount_max, providers = excluded.providers,
    enabled = excluded.enabled, position = excluded.position
"""


def offers_of(method: str, manifests: Iterable[Manifest]) -> list[tuple[str, MethodOffer]]:
    """Which providers offer a method, with their limits."""
    return [
        (manifest.name, offer)
        for manifest in manifests
        for offer in manifest.methods
        if offer.method == method
    ]


async def seed(tx: Connection, manifests: Iterable[Manifest]) -> int:
    """Write the methods; one without a provider is listed but not enabled. Returns how many there are."""
    known = list(manifests)
    for position, method in enumerate(THAI_METHODS):
        offers = offers_of(method.id, known)
        await tx.execute(
            _SEED,
            method.id,
            method.name_en,
            method.name_th,
            method.kind,
            min((offer.amount_min for _, offer in offers), default=method.amount_min),
            max((offer.amount_max for _, offer in offers), default=method.amount_max),
            [name for name, _ in offers],
            bool(offers),
            position,
        )
    return len(THAI_METHODS)


async def list_methods(reader: Connection) -> list[dict[str, Any]]:
    """The enabled methods as the API shows them."""
    rows = await reader.fetch(
        """
        SELECT id, name_en, name_th, kind, currency, amount_min, amount_max, providers
          FROM thai_payment_methods WHERE enabled ORDER BY position
        """
    )
    return [
        {
            "id": row["id"],
            "object": "payment_method",
            "name": {"en": row["name_en"], "th": row["name_th"]},
            "kind": row["kind"],
            "currency": row["currency"],
            "amount_min": row["amount_min"],
            "amount_max": row["amount_max"],
            "providers": row["providers"],
        }
        for row in rows
    ]


def own_methods(
    methods: Iterable[Mapping[str, Any]],
    accounts: Sequence[ProviderAccount],
    manifests: Mapping[str, Manifest],
    *,
    amount: int | None,
    currency: str = THB.code,
) -> list[dict[str, Any]]:
    """Those of `methods` that a merchant's accounts offer for this amount in minor units (None: any amount).

    Each names the accounts that offer it, in the order they were opened, with their terms. Limits and
    providers are those of these accounts. Raises CurrencyUnsupported, as a payment would.
    """
    if currency != THB.code:
        raise CurrencyUnsupported(f"no method takes {currency}", param="currency")
    found = []
    for method in methods:
        terms = [
            _terms(account, offer)
            for account in accounts
            if account.provider in manifests
            for offer in (manifests[account.provider].offer(method["id"]),)
            if offer is not None and _is_open(account, offer) and _takes(offer, amount)
        ]
        if terms:
            found.append({**method, **_widest(terms), "accounts": terms})
    return found


def _is_open(account: ProviderAccount, offer: MethodOffer) -> bool:
    return not offer.flag or is_on(as_account(account, ""), offer.flag)


def _takes(offer: MethodOffer, amount: int | None) -> bool:
    return amount is None or offer.amount_min <= amount <= offer.amount_max


def _widest(terms: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "amount_min": min(one["amount_min"] for one in terms),
        "amount_max": max(one["amount_max"] for one in terms),
        "providers": list(dict.fromkeys(one["provider"] for one in terms)),
    }


def _terms(account: ProviderAccount, offer: MethodOffer) -> dict[str, Any]:
    holds = Can.AUTHORIZE in offer.can
    return {
        "account": account.id,
        "provider": account.provider,
        "amount_min": offer.amount_min,
        "amount_max": offer.amount_max,
        "captures": ["automatic", "manual"] if holds else ["automatic"],
        "captures_part": holds and bool(offer.can & {Can.CAPTURE_PART, Can.CAPTURE_SEVERAL}),
        "refund": _refund(offer),
        "refund_days": offer.refund_days,
        "needs": list(offer.needs),
        "actions": list(offer.actions),
        "fee_basis_points": offer.fee_basis_points,
    }


def _refund(offer: MethodOffer) -> str:
    if Can.REFUND_PART in offer.can:
        return "full_or_part"
    return "full" if Can.REFUND in offer.can else "transfer"
