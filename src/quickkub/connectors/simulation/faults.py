"""What can go wrong between a provider and us, asked for one by one or drawn by a seed (fault tests T4)."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

HEADER: Final = "x-sim-fault"
SECONDS_USUAL: Final = 20


class FaultKind(Enum):
    """How an answer goes wrong. Unless the fault says `before`, the request has been carried out first."""

    DROP_ANSWER = "drop_answer"
    TIMEOUT = "timeout"
    RESET = "reset"
    SLOW = "slow"
    HALF_BODY = "half_body"
    BROKEN_JSON = "broken_json"
    EMPTY_BODY = "empty_body"
    HUGE_BODY = "huge_body"
    WRONG_AMOUNT = "wrong_amount"
    WRONG_CURRENCY = "wrong_currency"
    ERROR_500 = "error_500"
    ERROR_503 = "error_503"
    LIMIT = "limit"


class BadFault(ValueError):
    """A fault cannot be read."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault for the next `times` requests of an operation (`*` for any but the token).

    `reference` narrows it to requests about one reference. `seconds` is how long `timeout` and `slow` take.
    """

    kind: FaultKind
    operation: str = "*"
    times: int = 1
    before: bool = False
    seconds: int = SECONDS_USUAL
    reference: str = ""

    def fits(self, operation: str, about: str) -> bool:
        """`about` is the request's path, query and body as one text."""
        ours = operation != "token" if self.operation == "*" else operation == self.operation
        return ours and self.reference in about


def read_fault(said: Mapping[str, Any]) -> Fault:
    """`{"kind": "timeout", "operation": "qr_create", "times": 2, "before": true, "seconds": 3}`."""
    try:
        return Fault(
            FaultKind(said["kind"]),
            str(said.get("operation", "*")),
            int(said.get("times", 1)),
            said.get("before", False) is True,
            int(said.get("seconds", SECONDS_USUAL)),
            str(said.get("reference", "")),
        )
    except (KeyError, ValueError, TypeError):
        kinds = ", ".join(kind.value for kind in FaultKind)
        raise BadFault(
            f"a fault has a kind ({kinds}) and may have operation, times, before, seconds"
        ) from None


def read_header(text: str) -> Fault:
    """`timeout;before;seconds=3` for this request alone. Raises BadFault."""
    kind, *more = (part.strip() for part in text.split(";"))
    said: dict[str, Any] = {"kind": kind}
    for part in more:
        name, _, value = part.partition("=")
        said[name] = value or True
    return read_fault(said)


class Faults:
    """Faults that wait for their request, and faults drawn by chance for `percent` of all requests."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._percent = 0
        self._kinds: list[FaultKind] = []
        self._draw = random.Random(0)  # noqa: S311 -- repeatable on purpose
        self.done: dict[str, int] = {}

    def add(self, fault: Fault) -> None:
        self._waiting.append(fault)

    def chance(self, seed: int, percent: int, kinds: list[FaultKind]) -> None:
        """From now on let `percent` of the requests go wrong in one of these ways, the same for one seed."""
        self._draw = random.Random(seed)  # noqa: S311 -- repeatable on purpose
        self._percent, self._kinds = percent, kinds

    def clear(self) -> None:
        """No more faults; the count of those that happened stays."""
        self._waiting.clear()
        self._percent = 0

    def take(self, operation: str, about: str, header: str | None) -> Fault | None:
        """The fault for this request, or None. Raises BadFault for an unreadable header."""
        fault = (
            read_header(header) if header else self._waiting_for(operation, about) or self._drawn(operation)
        )
        if fault is not None:
            self.done[fault.kind.value] = self.done.get(fault.kind.value, 0) + 1
        return fault

    def _waiting_for(self, operation: str, about: str) -> Fault | None:
        for place, fault in enumerate(self._waiting):
            if fault.fits(operation, about):
                if fault.times > 1:
                    self._waiting[place] = replace(fault, times=fault.times - 1)
                else:
                    del self._waiting[place]
                return fault
        return None

    def _drawn(self, operation: str) -> Fault | None:
        if not self._kinds or operation == "token" or self._draw.randrange(100) >= self._percent:
            return None
        return Fault(self._draw.choice(self._kinds), operation)
