"""Notices of the merchant's own feed: money has come. They are ours to define, signed, and believed."""

from __future__ import annotations

from typing import Final

from quickkub.connectors.contract import (
    About,
    Account,
    CallbackNews,
    Forged,
    RawCallback,
    Unreadable,
)
from quickkub.connectors.providers.promptpay import signing
from quickkub.connectors.providers.promptpay.lines import DEBIT, read_line
from quickkub.connectors.providers.promptpay.receiver import is_ours
from quickkub.connectors.reading import Garbled, optional_text, read_object

TEST: Final = "test"


def read(account: Account, raw: RawCallback) -> CallbackNews:
    """Raises Forged for a notice that is unsigned or about another account, and Unreadable.

    A transfer without a reference is news with an empty one: whose money it is, is told by its amount.
    """
    if not signing.is_signed(account, raw.headers, raw.body):
        raise Forged("the notice is not signed with the account's secret")
    try:
        words = read_object(raw.body)
        if optional_text(words, "type") == TEST:
            return CallbackNews(
                f"{TEST}/{optional_text(words, 'transaction_id')[:60]}", "", None, About.NOTHING
            )
        line = read_line(words)
    except Garbled as garbled:
        raise Unreadable(f"the notice cannot be read: {garbled}") from None
    if not is_ours(account, line.receiver):
        raise Forged("the notice is about another account")
    if line.kind == DEBIT:
        # Money that went is seen in the statement; a payment's end is a person's to see.
        return CallbackNews(f"{DEBIT}/{line.transaction_id}", "", None, About.NOTHING)
    return CallbackNews(line.transaction_id, line.reference, line.receipt)
