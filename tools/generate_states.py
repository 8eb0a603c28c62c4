"""The page of state diagrams, drawn from the tables the code runs on."""

from __future__ import annotations

from typing import Any

from quickkub.disputes.states import DISPUTE
from quickkub.kernel.states import StateTable
from quickkub.payments.instructions.states import INSTRUCTION
from quickkub.payments.states import ATTEMPT, PAYMENT
from quickkub.refunds.states import REFUND


def states() -> str:
    """Mermaid diagrams and tables of every life there is."""
    parts = ["# States\n\nDrawn from the tables in the code. What is not drawn cannot happen.\n"]
    parts += [_life(table) for table in (PAYMENT, ATTEMPT, INSTRUCTION, REFUND, DISPUTE)]
    return "\n".join(parts)


def _life(table: StateTable[Any, Any]) -> str:
    moves = list(table.moves())
    first = moves[0][0].value
    arrows = "\n".join(f"    {at.value} --> {to.value}: {fact.value}" for at, fact, to in moves)
    rows = "\n".join(f"| {at.value} | {fact.value} | {to.value} |" for at, fact, to in moves)
    return (
        f"## {table.name.capitalize()}\n\n```mermaid\nstateDiagram-v2\n    [*] --> {first}\n{arrows}\n```\n\n"
        f"| where it is | what happened | where it goes |\n|---|---|---|\n{rows}\n"
    )
