"""What payment actions answer: two-digit codes, and the states of a transaction (pack 4.7)."""

from __future__ import annotations

from typing import Final

from quickkub.connectors.contract import Failure

OK: Final = frozenset({"00", "0000"})
NO_SUCH_TRANSACTION: Final = "16"
DONE_ALREADY: Final = frozenset({"29", "39", "49"})
"""Already voided, settled, refunded in full: perhaps by our own first try, so the state is read."""
UNDER_WAY: Final = frozenset({"42"})

REFUSALS: Final[dict[str, Failure]] = {
    **dict.fromkeys(("02", "05", "10", "11", "15", "16", "17", "18", "97"), Failure.REQUEST_REFUSED),
    **dict.fromkeys(("01", "04"), Failure.ACCOUNT_UNUSABLE),
    **dict.fromkeys(("03", "13", "14", "96"), Failure.PROVIDER_MISCONFIGURED),
    **dict.fromkeys(
        ("12", "21", "22", "30", "31", "32", "33", "36", "40", "41", "43", "47", "48", "54"),
        Failure.NOT_ALLOWED_NOW,
    ),
    "44": Failure.DECLINED,
    "46": Failure.PROVIDER_BALANCE_SHORT,
}
"""Codes that prove that an action was not carried out. 25, 34, 35, 45, 95, 98 and 99 prove nothing."""

UNSETTLED: Final = frozenset({"A", "RS"})
SETTLED: Final = frozenset({"S", "RP", "RF", "RFF", "RR", "RR1", "RR2", "RR3"})
LATE_SHORT_OVER: Final = frozenset({"AE", "AL", "AM"})

REFUND_FAILURES: Final[dict[str, Failure]] = {
    "RFF": Failure.DECLINED,
    "RR": Failure.DECLINED,
    "RR1": Failure.PROVIDER_BALANCE_SHORT,
    "RR2": Failure.ACCOUNT_UNUSABLE,
    "RR3": Failure.ACCOUNT_UNUSABLE,
}
