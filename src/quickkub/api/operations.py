"""What every route under /v1 says about itself; OpenAPI is written from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from quickkub.api.schema import NoQuery
from quickkub.kernel.errors import Refusal

OPT_KEY: Final = "operation"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `once`: it can move money, so it needs an Idempotency-Key.

    `refusals` are its own; those of every operation (key, version, body) are added by describe.py.
    """

    id: str
    summary: str
    answers: Any
    status: int = 200
    body: type | None = None
    query: type = NoQuery
    once: bool = False
    refusals: tuple[type[Refusal], ...] = ()
    description: str = ""


def says(operation: Operation) -> dict[str, Any]:
    """The route's `opt`, where describe.py and the tests find it."""
    return {OPT_KEY: operation}
