"""PromptPay application ids and the tag each belongs to (promptpay pack 2.1)."""

from __future__ import annotations

from typing import Final

TRANSFER_TAG: Final = "29"
BILL_TAG: Final = "30"
INNOVATION_TAG: Final = "31"

MERCHANT_PRESENTED: Final = "A000000677010111"
CUSTOMER_PRESENTED: Final = "A000000677010114"
BILL_DOMESTIC: Final = "A000000677010112"
BILL_CROSS_BORDER: Final = "A000000677012006"
INNOVATION_GUIDELINE: Final = "A000000677012004"
INNOVATION_KBANK: Final = "A000000677010113"

THAI_PREFIX: Final = "A000000677"
"""The registered provider id all PromptPay applications share."""

TRANSFER_AIDS: Final = frozenset({MERCHANT_PRESENTED, CUSTOMER_PRESENTED})
BILL_AIDS: Final = frozenset({BILL_DOMESTIC, BILL_CROSS_BORDER})
RECEIVER_AIDS: Final = TRANSFER_AIDS | BILL_AIDS
