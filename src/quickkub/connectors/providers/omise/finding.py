"""Finding a charge whose create answer was lost, by our reference in its metadata (pack 13)."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Final, TypeAlias

from quickkub.connectors.contract import Account, Declined, Effect, Order, Request, Response, Unknown
from quickkub.connectors.providers.omise import errors, wire
from quickkub.connectors.providers.omise.charges import Charge, charge_in, id_at, whole_at
from quickkub.connectors.reading import Garbled, Json

PAGES_MAX: Final = 10
FOUND_MAX: Final = 5

Asked: TypeAlias = "Generator[Effect, Any, list[Charge] | Declined | Unknown]"


def charge_of(account: Account, charge: str) -> Generator[Effect, Any, Charge | Declined | Unknown]:
    """One charge by its id. Raises Garbled."""
    answer: Response = yield wire.asks_charge(account, charge)
    said = wire.read(answer)
    return errors.conclude(said.status, said.code) if said.code else charge_in(said.words, account)


def charges_of(account: Account, order: Order) -> Asked:
    """Every charge that carries our reference, as it stands now; none when Omise shows none.

    The search may lag behind (pack 11.11), so what it does not find is looked for in the list as well, and
    what it does find is read again by its id.
    """
    answer: Response = yield wire.searches_charge(account, order.reference)
    said = wire.read(answer)
    # A search that is refused is no reason not to look into the list.
    found = [] if said.code else _ours(said.words, order.reference)
    if not found:
        return (yield from _listed(account, order))
    charges: list[Charge] = []
    for one in found[:FOUND_MAX]:
        charge = yield from charge_of(account, id_at(one, "id"))
        if not isinstance(charge, Charge):
            return charge
        charges.append(charge)
    return charges


def _listed(account: Account, order: Order) -> Asked:
    first, last = order.asked_at - wire.WINDOW, order.asked_at + wire.WINDOW
    pages = yield from all_pages(lambda offset: wire.lists_charges(account, first, last, offset))
    if not isinstance(pages, Listed):
        return pages
    found = [charge_in(one, account) for one in pages.rows if _is_ours(one, order.reference)]
    if not found and not pages.is_complete:
        return Unknown("there are more charges of that time than can be looked through")
    return found


class Listed:
    """The rows of a list, and whether they are all of them."""

    def __init__(self) -> None:
        self.rows: list[Json] = []
        self.is_complete = False


def all_pages(
    build: Callable[[int], Request], pages_max: int = PAGES_MAX
) -> Generator[Effect, Any, Listed | Declined | Unknown]:
    """Read a list page by page. Raises Garbled."""
    listed = Listed()
    for _ in range(pages_max):
        answer: Response = yield build(len(listed.rows))
        said = wire.read(answer)
        if said.code:
            return errors.conclude(said.status, said.code)
        rows = rows_in(said.words)
        listed.rows += rows
        if not rows or len(listed.rows) >= whole_at(said.words, "total"):
            listed.is_complete = True
            break
    return listed


def rows_in(said: Json) -> list[Json]:
    """The objects of a list or a search. Raises Garbled."""
    rows = said.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Garbled("data is not a list of objects")
    return rows


def _ours(said: Json, reference: str) -> list[Json]:
    return [row for row in rows_in(said) if _is_ours(row, reference)]


def _is_ours(row: Json, reference: str) -> bool:
    """Other people's charges of the same account may hold anything in their metadata."""
    metadata = row.get("metadata")
    return isinstance(metadata, dict) and metadata.get(wire.PAYMENT_MARK) == reference
