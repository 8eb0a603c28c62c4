"""What an examination found, in the order of the checks, and what the chosen mode makes of it."""

from __future__ import annotations

from typing import Final

from quickkub.promptpay.errors import refusal

# Warnings: worth telling the shop, never a reason to refuse (pack sections 2.2 to 2.5 and 8).
DYNAMIC_WITHOUT_AMOUNT: Final = "dynamic_without_amount"
STATIC_WITH_AMOUNT: Final = "static_with_amount"
TIP_PRESENT: Final = "tip_present"
UNKNOWN_OBJECT: Final = "unknown_object"
UNREADABLE_OBJECT: Final = "unreadable_object"
BILLER_ID_13_DIGITS: Final = "biller_id_13_digits"
CHECK_DIGIT: Final = "check_digit_mismatch"
BANK_ACCOUNT_PROXY: Final = "bank_account_proxy"
TWO_RECEIVERS: Final = "two_receivers"
AMOUNT_ABOVE_MAXIMUM: Final = "amount_above_maximum"
NOT_THAI_QR: Final = "not_thai_qr"


class Findings:
    """Collects codes at three severities: `refuse` in every mode, `object_to` in strict mode, `note` never.

    In lenient mode an objection becomes a warning of the same name, so nothing is let through silently.
    """

    __slots__ = ("_errors", "_strict", "_warnings")

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        # Insertion-ordered and free of repeats; the value is the place of the first occurrence.
        self._errors: dict[str, str | None] = {}
        self._warnings: dict[str, None] = {}

    @property
    def strict(self) -> bool:
        """Whether objections refuse."""
        return self._strict

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings and, in lenient mode, what strict mode would have refused."""
        return tuple(self._warnings)

    @property
    def errors(self) -> tuple[str, ...]:
        """Codes that refuse, first found first."""
        return tuple(self._errors)

    def refuse(self, code: str, where: str | None = None) -> None:
        """An error whatever the mode."""
        self._errors.setdefault(code, where)

    def object_to(self, code: str, where: str | None = None) -> None:
        """An error in strict mode, a warning in lenient mode."""
        if self._strict:
            self.refuse(code, where)
        else:
            self.note(code)

    def note(self, code: str) -> None:
        """A warning whatever the mode."""
        self._warnings.setdefault(code)

    def raise_if_refused(self) -> None:
        """Raise the first error as its own class, carrying the codes of all of them."""
        for code, where in self._errors.items():
            raise refusal(code, where=where, errors=self.errors)
