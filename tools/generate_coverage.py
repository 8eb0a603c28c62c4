"""Which outcomes of which operations each provider's vectors show, and which ones they owe.

What a provider can do is said by its manifest and its connector; for each such thing it owes vectors. The
contract test fails while something is owed, and the page marks it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

from quickkub.connectors import registry
from quickkub.connectors.contract import (
    Can,
    Checkable,
    DisputeDesk,
    Manifest,
    Reporter,
    SlipReader,
)
from tools.markdown import WRITTEN, table

Cell: TypeAlias = tuple[str, str]
"""An operation and an outcome."""

OPERATIONS: Final = (
    "create",
    "inquire",
    "capture",
    "capture of a part",
    "void",
    "refund",
    "refund of a part",
    "cancel",
    "inquiry of an instruction",
    "callback",
    "verify_slip",
    "inquire_dispute",
    "contest_dispute",
    "accept_dispute",
    "report",
    "check",
)
OUTCOMES: Final = ("Paid", "Authorized", "Done", "Waiting", "Declined", "NotSent", "Unknown")
_TOOK_IT: Final = ("Waiting", "Paid", "Authorized")


@dataclass(frozen=True, slots=True)
class Duty:
    """Something a provider owes a vector of; any of the cells will do."""

    words: str
    cells: tuple[Cell, ...]


def counted(provider: str) -> Counter[Cell]:
    """How many vectors the provider has of each cell."""
    folder = registry.folder_of(provider) / "vectors"
    paths = sorted(path for path in folder.glob("*.json") if path.name != "account.json")
    return Counter(cell for path in paths for cell in _cells(json.loads(path.read_text(encoding="utf-8"))))


def _cells(said: dict[str, Any]) -> Iterable[Cell]:
    if "news" in said:
        yield "callback", "read"
    if "refused" in said:
        yield "callback", "refused"
    if "outcome" not in said:
        return
    asks, outcome = said["asks"], said["outcome"][0]
    method = asks if isinstance(asks, str) else asks[0]
    if method == "create":
        yield f"create {said['order']['method']}", outcome
    if method == "inquire_instruction":
        yield "inquiry of an instruction", outcome
    elif method == "instruct":
        doing = said["instruction"]["doing"]
        yield doing, outcome
        if said["instruction"].get("satang", said["order"]["satang"]) < said["order"]["satang"]:
            yield f"{doing} of a part", outcome
    else:
        yield method, outcome


def duties(provider: str) -> list[Duty]:
    """What the provider owes, from what its manifest and connector say it can do."""
    manifest, connector = registry.providers()[provider], registry.connector(provider)
    owed = [_one(op, outcome) for op in ("create", "inquire") for outcome in ("Unknown",)]
    owed += [
        Duty(f"a payment: {outcome}", (("create", outcome), ("inquire", outcome)))
        for outcome in ("Paid", "Waiting", "Declined")
    ]
    owed += [
        Duty(f"create {offer.method}", tuple((f"create {offer.method}", took) for took in _TOOK_IT))
        for offer in manifest.methods
    ]
    owed += [_one("callback", "read"), _one("callback", "refused")]
    owed += _of_instructions(manifest)
    if isinstance(connector, SlipReader):
        owed += [_one("verify_slip", "Slip"), _one("verify_slip", "NoSlip")]
    if isinstance(connector, DisputeDesk):
        owed += [_one(f"{what}_dispute", "DisputeNews") for what in ("inquire", "contest", "accept")]
    if isinstance(connector, Reporter):
        owed += [_one("report", "Report"), _one("report", "Unknown")]
    if isinstance(connector, Checkable):
        owed += [_one("check", "Works"), _one("check", "Declined")]
    return owed


def _of_instructions(manifest: Manifest) -> list[Duty]:
    can = frozenset[Can]().union(*(offer.can for offer in manifest.methods))
    owed: list[Duty] = []
    if Can.AUTHORIZE in can:
        owed.append(Duty("a hold: Authorized", (("create", "Authorized"), ("inquire", "Authorized"))))
        owed += map(partial(_one, "capture"), ("Done", "Unknown"))
    if Can.CAPTURE_PART in can:
        owed.append(_one("capture of a part", "Done"))
    if Can.VOID in can:
        owed += map(partial(_one, "void"), ("Done", "Unknown"))
    if Can.REFUND in can:
        owed += map(partial(_one, "refund"), ("Done", "Declined", "Unknown"))
    if Can.REFUND_PART in can:
        owed.append(_one("refund of a part", "Done"))
    if Can.CANCEL in can:
        owed.append(_one("cancel", "Done"))
    if can:
        settled = tuple(("inquiry of an instruction", how) for how in ("Done", "Declined", "Unknown"))
        owed.append(Duty("an instruction whose answer was lost is asked about", settled))
    return owed


def _one(operation: str, outcome: str) -> Duty:
    return Duty(f"{operation}: {outcome}", ((operation, outcome),))


def missing(provider: str) -> list[Duty]:
    """What the provider owes and does not have."""
    found = counted(provider)
    return [duty for duty in duties(provider) if not any(found[cell] for cell in duty.cells)]


def page() -> str:
    """Providers beside each other, and what is owed."""
    names = registry.names()
    counts = {name: counted(name) for name in names}
    lacking = {name: missing(name) for name in names}
    return (
        WRITTEN + "# What the vectors of each provider show\n\n"
        "Each number counts files in the provider's folder `vectors`, which are played against its\n"
        "connector and its simulator. **owed** is what the provider can do by its manifest and shows\n"
        "nowhere; the contract tests fail on it.\n\n"
        + _grid(names, counts, lacking)
        + "\n"
        + _methods(names, counts, lacking)
    )


def _grid(names: list[str], counts: dict[str, Counter[Cell]], lacking: dict[str, list[Duty]]) -> str:
    seen = {cell for found in counts.values() for cell in found}
    seen |= {cell for duties_ in lacking.values() for duty in duties_ for cell in duty.cells}
    rows = sorted((cell for cell in seen if cell[0] in OPERATIONS), key=_place)
    return table(
        ["operation", "outcome", *names],
        [[*cell, *(_shown(cell, counts[name], lacking[name]) for name in names)] for cell in rows],
    )


def _methods(names: list[str], counts: dict[str, Counter[Cell]], lacking: dict[str, list[Duty]]) -> str:
    rows = [
        [
            name,
            f"`{offer.method}`",
            *(
                _shown((f"create {offer.method}", outcome), counts[name], lacking[name])
                for outcome in ("Waiting", "Paid", "Authorized", "Declined", "Unknown")
            ),
        ]
        for name in names
        for offer in registry.providers()[name].methods
    ]
    head = ["provider", "create", "Waiting", "Paid", "Authorized", "Declined", "Unknown"]
    return "## By payment method\n\nOne of the first three is owed for each method.\n\n" + table(head, rows)


def _place(cell: Cell) -> tuple[int, int, str]:
    operation, outcome = cell
    known = OUTCOMES.index(outcome) if outcome in OUTCOMES else len(OUTCOMES)
    return OPERATIONS.index(operation), known, outcome


def _shown(cell: Cell, found: Counter[Cell], lacking: list[Duty]) -> str:
    if found[cell]:
        return str(found[cell])
    return "**owed**" if any(cell in duty.cells for duty in lacking) else ""
