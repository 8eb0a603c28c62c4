"""The payment methods of Thailand, and which can be used here: those that a provider folder offers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from quickkub.connectors.contract import Manifest, MethodOffer
from quickkub.storage import Connection


@dataclass(frozen=True, slots=True)
class ThaiMethod:
    """A way to pay, by the name payers know it by. Limits are in satang, the widest any provider gives."""

    id: str
    name_en: str
    name_th: str
    kind: str
    amount_min: int
    amount_max: int


THAI_METHODS: Final = (
    ThaiMethod("promptpay", "PromptPay QR", "พร้อมเพย์ คิวอาร์", "qr", 1, 200_000_000),
    ThaiMethod("kplus", "K PLUS", "เค พลัส", "bank_app", 100, 200_000_000),
    ThaiMethod("scb_easy", "SCB EASY", "เอสซีบี อีซี่", "bank_app", 100, 200_000_000),
    ThaiMethod("bualuang", "Bualuang mBanking", "บัวหลวง เอ็มแบงก์กิ้ง", "bank_app", 100, 200_000_000),
    ThaiMethod("kma", "Krungsri app (KMA)", "กรุงศรี แอป", "bank_app", 100, 200_000_000),
    ThaiMethod("truemoney", "TrueMoney Wallet", "ทรูมันนี่ วอลเล็ท", "wallet", 100, 10_000_000),
    ThaiMethod("linepay", "LINE Pay", "ไลน์ เพย์", "wallet", 100, 10_000_000),
    ThaiMethod("card", "Credit or debit card", "บัตรเครดิต หรือเดบิต", "card", 2_000, 15_000_000),
)

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
