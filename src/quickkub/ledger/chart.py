"""The chart of accounts: every account there can be, what it means and on which side it grows.

An account belongs to one merchant in one mode, so its code does not repeat them. A code that no heading here
matches cannot be booked to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Final, NewType

from quickkub.kernel.errors import Kind, Refusal

AccountCode = NewType("AccountCode", str)
"""Such as `merchant:payable`. Made by this file only."""


class UnknownAccount(Refusal):
    """An account code that the chart does not have."""

    code, kind = "account_unknown", Kind.UNPROCESSABLE


class Side(Enum):
    """Where an entry stands. Debits are stored positive and credits negative."""

    DEBIT = "debit"
    CREDIT = "credit"


class AccountKind(Enum):
    """What sort of account it is, which decides the side it grows on."""

    ASSET = "asset"
    LIABILITY = "liability"
    INCOME = "income"
    EXPENSE = "expense"

    @property
    def normal_side(self) -> Side:
        """Assets and expenses grow by debits, liabilities and income by credits."""
        return Side.DEBIT if self in (AccountKind.ASSET, AccountKind.EXPENSE) else Side.CREDIT


@dataclass(frozen=True, slots=True)
class Heading:
    """One row of the chart. `pattern` is a code, or a family of codes with `{names}` for what varies."""

    pattern: str
    kind: AccountKind
    name_en: str
    name_th: str
    meaning: str

    @property
    def regex(self) -> str:
        """What its codes look like, in words Python and PostgreSQL both understand."""
        return "^" + re.sub(r"\{[a-z]+\}", "[a-z0-9_]{1,60}", self.pattern) + "$"


PROVIDER_RECEIVABLE: Final = Heading(
    "provider:{provider}:{account}:receivable",
    AccountKind.ASSET,
    "Receivable from provider",
    "ลูกหนี้ผู้ให้บริการรับชำระเงิน",
    "What a provider took from payers through this account and has not paid out yet.",
)
_PAYABLE: Final = Heading(
    "merchant:payable",
    AccountKind.LIABILITY,
    "Payable to merchant",
    "เจ้าหนี้ร้านค้า",
    "The merchant's own money: payments after fees and the VAT on them.",
)
_UNAPPLIED: Final = Heading(
    "merchant:unapplied",
    AccountKind.LIABILITY,
    "Unapplied receipts",
    "เงินรับรอตรวจสอบ",
    "Money that came without a payment waiting for it, such as a QR paid twice. It is owed to the payer or "
    "the merchant; a case decides which.",
)
_REFUNDS_DUE: Final = Heading(
    "merchant:refunds_due",
    AccountKind.LIABILITY,
    "Refunds due",
    "เงินคืนลูกค้ารอจ่าย",
    "Money set aside for refunds that were asked for and have not reached the payer yet.",
)
_DISPUTED: Final = Heading(
    "merchant:disputed",
    AccountKind.LIABILITY,
    "Disputed payments",
    "เงินที่ถูกโต้แย้ง",
    "Money of payments that a payer's bank disputes; it goes back to the merchant or to the payer.",
)
_BANK: Final = Heading(
    "bank:own",
    AccountKind.ASSET,
    "Own bank account",
    "เงินฝากธนาคาร",
    "Transfers that a person made or saw at a bank, such as a refund of a QR payment.",
)
_FEES: Final = Heading(
    "fees:earned",
    AccountKind.INCOME,
    "Fees earned",
    "รายได้ค่าธรรมเนียม",
    "The operator's fees, without VAT.",
)
_OUTPUT_VAT: Final = Heading(
    "tax:output_vat",
    AccountKind.LIABILITY,
    "Output VAT",
    "ภาษีขาย",
    "VAT charged on fees, owed to the Revenue Department.",
)
_ROUNDING: Final = Heading(
    "rounding",
    AccountKind.EXPENSE,
    "Rounding differences",
    "ผลต่างจากการปัดเศษ",
    "Satang left over when a total and its rounded parts differ; a gain is on the credit side.",
)

CHART: Final = (
    PROVIDER_RECEIVABLE,
    _PAYABLE,
    _UNAPPLIED,
    _REFUNDS_DUE,
    _DISPUTED,
    _BANK,
    _FEES,
    _OUTPUT_VAT,
    _ROUNDING,
)

MERCHANT_PAYABLE: Final = AccountCode(_PAYABLE.pattern)
MERCHANT_UNAPPLIED: Final = AccountCode(_UNAPPLIED.pattern)
REFUNDS_DUE: Final = AccountCode(_REFUNDS_DUE.pattern)
DISPUTED: Final = AccountCode(_DISPUTED.pattern)
OWN_BANK: Final = AccountCode(_BANK.pattern)
FEES_EARNED: Final = AccountCode(_FEES.pattern)
OUTPUT_VAT: Final = AccountCode(_OUTPUT_VAT.pattern)
ROUNDING: Final = AccountCode(_ROUNDING.pattern)


def provider_receivable(provider: str, account_id: str) -> AccountCode:
    """`provider:scb:acc_…:receivable`. Raises UnknownAccount when either word could not be part of a code."""
    code = f"provider:{provider}:{account_id}:receivable"
    if heading_of(code) is not PROVIDER_RECEIVABLE:
        raise UnknownAccount(f"{provider!r} and {account_id!r} do not name a provider account")
    return AccountCode(code)


@cache
def _compiled() -> tuple[tuple[re.Pattern[str], Heading], ...]:
    return tuple((re.compile(heading.regex), heading) for heading in CHART)


def heading_of(code: str) -> Heading:
    """The row of the chart an account belongs to. Raises UnknownAccount."""
    for pattern, heading in _compiled():
        if pattern.fullmatch(code):
            return heading
    raise UnknownAccount(f"the chart of accounts has no {code!r}")


def chart_table() -> str:
    """The chart as a Markdown table, for docs/generated."""
    rows = [
        f"| `{row.pattern}` | {row.kind.value} | {row.kind.normal_side.value} "
        f"| {row.name_en} | {row.name_th} | {row.meaning} |"
        for row in CHART
    ]
    head = ["| account | kind | grows by | name | ชื่อบัญชี | meaning |", "|---|---|---|---|---|---|"]
    return "\n".join([*head, *rows]) + "\n"
