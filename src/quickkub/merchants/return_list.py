"""A merchant's list of addresses its payers may be sent back to (security-reliability 5.8).

Whoever holds a key could otherwise make our page lead a payer anywhere under a merchant's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from quickkub.audit import Act, record
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId
from quickkub.merchants.return_addresses import is_listed, read_entry
from quickkub.storage import Connection

ENTRIES_MAX: Final = 50
ENTRY_LETTERS_MAX: Final = 300
_HOW: Final = "add it with POST /v1/settings (`return_addresses`) or `quickkub merchant return-addresses`"


class ReturnAddressNotListed(Refusal):
    """The payer would be sent to an address that is not on the merchant's list."""

    code, kind = "return_address_not_listed", Kind.UNPROCESSABLE


class ReturnAddressInvalid(Refusal):
    """An entry of the list is no https origin and no beginning of a path below one."""

    code, kind = "return_address_invalid", Kind.INVALID


def refuse_unlisted(address: str | None, entries: Sequence[str], mode: str) -> None:
    """Raises ReturnAddressNotListed, and says how to list it. Without an address there is no way back."""
    if address is None or is_listed(address, entries, mode):
        return
    known = "it is not on this merchant's list" if entries else "the list of this merchant is empty"
    here = "; test mode knows loopback addresses besides" if mode == "test" else ""
    raise ReturnAddressNotListed(f"{known}: {_HOW}{here}", param="return_url")


def read_entries(texts: Iterable[str]) -> list[str]:
    """Entries as they are kept: in one spelling, each once, in their order. Raises ReturnAddressInvalid."""
    entries: dict[str, None] = {}
    for number, text in enumerate(texts):
        place = read_entry(text)
        if place is None or len(str(place)) > ENTRY_LETTERS_MAX:
            raise ReturnAddressInvalid(
                "must be like https://shop.example or https://shop.example/pay, without user, query or "
                f"fragment, of at most {ENTRY_LETTERS_MAX} characters",
                param=f"return_addresses[{number}]",
            )
        entries[str(place)] = None
    if len(entries) > ENTRIES_MAX:
        raise ReturnAddressInvalid(f"at most {ENTRIES_MAX} addresses", param="return_addresses")
    return list(entries)


async def return_list(reader: Connection, merchant: MerchantId) -> list[str]:
    """The list as it stands."""
    found: list[str] = await reader.fetchval("SELECT return_addresses FROM merchants WHERE id = $1", merchant)
    return found


async def replace_return_list(tx: Connection, merchant: MerchantId, texts: Iterable[str]) -> list[str]:
    """The whole list at once; it counts for payments asked for from now on. Raises ReturnAddressInvalid."""
    entries = read_entries(texts)
    before: list[str] = await tx.fetchval(
        "SELECT return_addresses FROM merchants WHERE id = $1 FOR NO KEY UPDATE", merchant
    )
    await tx.execute("UPDATE merchants SET return_addresses = $2 WHERE id = $1", merchant, entries)
    entry = Act(
        "return_addresses.changed",
        "settings",
        merchant,
        merchant,
        before={"return_addresses": before},
        after={"return_addresses": entries},
    )
    await record(tx, entry)
    return entries
