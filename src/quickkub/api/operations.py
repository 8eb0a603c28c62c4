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

    `needs` is the permission without which it is refused (access/permissions.py), None where nobody is asked
    who they are; `platform`: it is for platform roles only. `refusals` are its own; those of every operation
    (key, version, body) are added by describe.py.
    """

    id: str
    summary: str
    answers: Any
    needs: str | None
    status: int = 200
    body: type | None = None
    query: type = NoQuery
    once: bool = False
    refusals: tuple[type[Refusal], ...] = ()
    description: str = ""
    platform: bool = False


def says(operation: Operation) -> dict[str, Any]:
    """The route's `opt`, where describe.py and the tests find it."""
    return {OPT_KEY: operation}
