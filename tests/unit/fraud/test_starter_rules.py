"""Each starter rule has a payment it is true of, and a neighbour it is not true of."""

from __future__ import annotations

from typing import Any, Final

import pytest

from quickkub.fraud.model import Truth
from quickkub.fraud.starter import starter_rules
from quickkub.fraud.tree import fields_of, holds

CARD = {"method_kind": "card", "method": "card", "amount": 50_000}

CASES: Final[dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "card-testing-address": (
        CARD | {"address.10m.failures": 5, "address.1h.failures": 5, "address.1h.cards": 2},
        CARD | {"address.10m.failures": 4, "address.1h.failures": 7, "address.1h.cards": 9},
    ),
    "card-testing-device": (
        {"device.10m.failures": 4, "device.24h.failures": 4, "device.24h.cards": 1},
        {"device.10m.failures": 3, "device.24h.failures": 9, "device.24h.cards": 2},
    ),
    "card-testing-bin": (
        {"amount": 5_000, "bin.10m.failures": 5, "bin.10m.cards": 5},
        {"amount": 200_000, "bin.10m.failures": 5, "bin.10m.cards": 5},
    ),
    "card-testing-network": (
        CARD | {"network.10m.failures": 6, "network.10m.cards": 5},
        CARD | {"network.10m.failures": 6, "network.10m.cards": 4},
    ),
    "many-cards-per-device": (
        CARD | {"device.1h.cards": 3, "device.24h.cards": 3, "device.30d.cards": 3},
        CARD | {"device.1h.cards": 2, "device.24h.cards": 3, "device.30d.cards": 7},
    ),
    "many-cards-per-email": (
        CARD | {"email.1h.cards": 1, "email.24h.cards": 4},
        CARD | {"email.1h.cards": 2, "email.24h.cards": 3},
    ),
    "many-cards-per-phone": (
        CARD | {"phone.1h.cards": 3, "phone.24h.cards": 3},
        CARD | {"phone.1h.cards": 2, "phone.24h.cards": 3},
    ),
    "many-devices-per-card": (
        {"card.1h.devices": 3, "card.24h.devices": 3, "card.30d.devices": 3},
        {"card.1h.devices": 2, "card.24h.devices": 3, "card.30d.devices": 7},
    ),
    "card-used-again-and-again": (
        {"card.1h.count": 3, "card.10m.count": 3, "card.10m.amount": 2_000_000},
        {"card.1h.count": 4, "card.10m.count": 3, "card.10m.amount": 1_999_999},
    ),
    "amount-far-above-usual": (
        {"amount": 500_000, "amount_percent_of_usual": 1_000},
        {"amount": 400_000, "amount_percent_of_usual": 5_000},
    ),
    "first-days-burst": (
        {"merchant_age_days": 0, "merchant.24h.amount": 10_000_000, "merchant.1h.count": 3},
        {"merchant_age_days": 3, "merchant.24h.amount": 90_000_000, "merchant.1h.count": 99},
    ),
    "refund-ratio": ({"merchant_refund_percent": 30}, {"merchant_refund_percent": 29}),
    "refund-elsewhere-soon": (
        {"refund_elsewhere": True, "refund_after_minutes": 60},
        {"refund_elsewhere": False, "refund_after_minutes": 60},
    ),
    "repeated-equal-amounts": (
        {"payer_amount.1h.count": 5, "payer_amount.24h.count": 5},
        {"payer_amount.1h.count": 4, "payer_amount.24h.count": 7, "amount.10m.count": 40},
    ),
    "just-under-a-threshold": (
        {"amount": 4_999_900, "phone.24h.count": 2},
        {"amount": 5_000_000, "phone.24h.count": 2},
    ),
    "night-burst": (
        {"hour": 3, "merchant_hour_percent_of_usual": 500, "merchant.1h.count": 12},
        {"hour": 12, "merchant_hour_percent_of_usual": 900, "merchant.1h.count": 40},
    ),
    "country-mismatch": (
        {"payer_country": "VN", "card_country": "TH", "amount": 200_000},
        {"payer_country": "TH", "card_country": "CN", "amount": 900_000},
    ),
    "disposable-email": (
        {"email_disposable": True, "amount": 50_000},
        {"email_disposable": False, "amount": 50_000},
    ),
    "transfer-used-again": ({"transfer.30d.count": 2}, {"transfer.30d.count": 1}),
    "payout-account-changed": (
        {"payout_account_changed_hours": 71, "amount_percent_of_usual": 300},
        {"payout_account_changed_hours": 73, "amount_percent_of_usual": 300},
    ),
    "dormant-merchant": (
        {"merchant_idle_days": 30, "merchant.24h.count": 10, "merchant.24h.amount": 5},
        {"merchant_idle_days": 30, "merchant.24h.count": 2, "merchant.24h.amount": 20_000},
    ),
    "above-declared-volume": (
        {"merchant.30d.amount": 101, "merchant_declared_amount": 100},
        {"merchant.30d.amount": 100, "merchant_declared_amount": 100},
    ),
    "prohibited-category": (
        {"merchant_class": "general", "merchant_category": "gambling"},
        {"merchant_class": "high", "merchant_category": "jewellery"},
    ),
    "many-payers-one-qr": (
        {"amount": 200_000, "reference.24h.payers": 4, "reference.24h.amount": 3_000_000},
        {"amount": 9_000, "reference.24h.payers": 300, "reference.24h.amount": 3_000_000},
    ),
    "chargeback-rate": ({"merchant_dispute_basis_points": 100}, {"merchant_dispute_basis_points": 99}),
}
RULES: Final = {rule.id: rule for rule in starter_rules().rules}


def test_every_starter_rule_has_its_two_payments() -> None:
    assert sorted(CASES) == sorted(RULES)


@pytest.mark.parametrize("name", CASES)
def test_a_starter_rule_is_true_of_one_payment_and_not_of_its_neighbour(name: str) -> None:
    suspicious, usual = CASES[name]
    assert holds(RULES[name].when, suspicious) is Truth.YES
    assert holds(RULES[name].when, usual) is not Truth.YES


@pytest.mark.parametrize("name", CASES)
def test_a_starter_rule_is_never_true_of_a_payment_nobody_knows_anything_about(name: str) -> None:
    assert holds(RULES[name].when, {}) is not Truth.YES
    assert fields_of(RULES[name].when)
