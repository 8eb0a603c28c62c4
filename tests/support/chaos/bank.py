"""SCB's simulator in bad weather: it does what it is asked, and then the answer goes wrong."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from aiohttp import web

from quickkub.connectors.providers.scb.simulator import ScbSimulator, answers
from quickkub.connectors.providers.scb.simulator.answers import Refused
from quickkub.connectors.simulation.base import CannotPay, Operation, Pay
from quickkub.connectors.simulation.faults import Fault, FaultKind
from quickkub.connectors.simulation.faults import Faults as Waiting
from quickkub.connectors.simulation.weather import Fate, Weather
from quickkub.kernel.money import THB, Money
from tests.support.chaos.plan import Faults

CREATES: Final = "qr_create"
DEADLINE_SECONDS: Final = 15
"""How long the line waits for SCB's answer; a silence shorter than that is no timeout."""

SILENCE_SECONDS: Final = 20

NAMES: Final = {
    FaultKind.TIMEOUT: "success then timeout",
    FaultKind.ERROR_500: "success then 500",
    FaultKind.DROP_ANSWER: "success then closed socket",
    FaultKind.RESET: "success then closed socket",
    FaultKind.HALF_BODY: "success then closed socket",
    FaultKind.SLOW: "delay beyond deadline",
    FaultKind.BROKEN_JSON: "broken JSON",
    FaultKind.WRONG_AMOUNT: "wrong amount",
}
CREATION: Final = {
    FaultKind.TIMEOUT: 6,
    FaultKind.ERROR_500: 5,
    FaultKind.DROP_ANSWER: 2,
    FaultKind.RESET: 2,
    FaultKind.HALF_BODY: 1,
    FaultKind.SLOW: 1,
    FaultKind.BROKEN_JSON: 2,
    FaultKind.WRONG_AMOUNT: 2,
}
"""Percent of creations that go wrong in each way, the money having moved."""

REFUSED_PERCENT: Final = 2
QUESTION: Final = {
    FaultKind.TIMEOUT: 1,
    FaultKind.ERROR_500: 2,
    FaultKind.DROP_ANSWER: 2,
    FaultKind.RESET: 1,
    FaultKind.BROKEN_JSON: 1,
    FaultKind.WRONG_AMOUNT: 1,
}
"""Percent of inquiries, and of creations asked again, that go wrong in each way."""

PAID_PERCENT, PAID_OTHERWISE_PERCENT = 70, 3

Handler = Callable[[web.Request], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class StormWeather(Weather):
    """T5: one to four copies, shuffled, some very late, some never, some forged, some replayed."""

    faults: Faults | None = None
    run_seconds: int = 60

    def fate(self, number: int) -> Fate:
        """What happens to the n-th confirmation."""
        if self.faults is None or not self.faults.raging:
            return Fate((0,), forged=False)
        luck = self.faults.storm.luck(f"notification {number}")
        done = self.faults.done
        percent = luck.randrange(100)
        if percent < 5:
            done["notification never sent"] += 1
            return Fate((), forged=False)
        latest_ms = (2_000, 10_000, 1000 * self.run_seconds)[(percent >= 70) + (percent >= 90)]
        delays = [luck.randrange(latest_ms) for _ in range(luck.randint(1, 4))]
        done["notification repeated"] += len(delays) > 1
        if luck.randrange(100) < 5:
            done["notification replayed late"] += 1
            delays.append(max(delays) + 30_000)
        forged = luck.randrange(100) < 5
        done["notification forged"] += forged
        return Fate(tuple(delays), forged=forged)


class _Drawn(Waiting):
    """Draws the fault of each request from the storm's seed; what the bar still lacks comes first."""

    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self._faults = faults
        self._luck = faults.storm.luck("bank")
        self.of: dict[str, FaultKind | None] = {}
        self.lose_next = False
        self._lied: set[str] = set()

    def take(self, operation: str, about: str, header: str | None) -> Fault | None:
        if self.lose_next and operation == CREATES:
            self.lose_next = False
            return Fault(FaultKind.DROP_ANSWER, operation)
        if not self._faults.raging or operation == "token":
            return None
        if operation != CREATES:
            return self._answer_of(about, operation)
        reference = _reference(about)
        if reference in self.of:
            return self._one_of(QUESTION, operation)
        fault = self._first_time()
        self.of[reference] = fault.kind if fault else None
        return fault

    def _answer_of(self, about: str, operation: str) -> Fault | None:
        """A wrong amount is told once: a bank that repeats it is believed, as it has to be."""
        fault = self._one_of(QUESTION, operation)
        if fault is not None and fault.kind is FaultKind.WRONG_AMOUNT:
            if about in self._lied:
                return None
            self._lied.add(about)
        return fault

    def _first_time(self) -> Fault | None:
        lacking = [kind for kind in CREATION if self._faults.behind(NAMES[kind]) and self._fits(kind)]
        if lacking and self._luck.randrange(100) < 60:
            return self._fault(self._luck.choice(lacking), CREATES)
        return self._one_of(CREATION, CREATES)

    def _one_of(self, percents: dict[FaultKind, int], operation: str) -> Fault | None:
        draw = self._luck.randrange(100)
        for kind, percent in percents.items():
            if draw < percent:
                return self._fault(kind, operation) if self._fits(kind) else None
            draw -= percent
        return None

    def _fits(self, kind: FaultKind) -> bool:
        """A silence has to end with the storm: what goes on after it would be one more fault."""
        return kind not in (FaultKind.TIMEOUT, FaultKind.SLOW) or self._faults.left_seconds > SILENCE_SECONDS

    def _fault(self, kind: FaultKind, operation: str) -> Fault:
        if operation == CREATES:
            self._faults.done[NAMES[kind]] += 1
        else:
            self._faults.done[f"inquiry: {kind.value}"] += 1
        return Fault(kind, operation, seconds=SILENCE_SECONDS)


class StormyBank(ScbSimulator):
    """The truth of a storm."""

    def __init__(self, config: Any, faults: Faults) -> None:
        options = {"rate_limit_per_second": 0, "qr_image": "pixel", "inquiry_lag_seconds": 2}
        super().__init__({**config, "options": options, "seed": faults.storm.seed})
        self._faults = faults
        self._luck = faults.storm.luck("payers")
        self._drawn = _Drawn(faults)
        self._planned: set[str] = set()
        self.world.faults = self._drawn
        self.world.weather = StormWeather(faults=faults, run_seconds=faults.storm.seconds)

    def operations(self) -> tuple[Operation, ...]:
        return tuple(
            replace(one, handler=self._with_payer(one.handler)) if one.name == CREATES else one
            for one in super().operations()
        )

    def _with_payer(self, create: Handler) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            answer = await create(request)
            reference = _reference((await request.read()).decode())
            if answer.status != 200 or reference in self._planned:
                return answer
            self._planned.add(reference)
            if self._drawn.of.get(reference) is not None:
                # Success, and then the answer goes wrong: the payer has paid before anybody hears of it.
                self._pays(reference, Pay())
                return answer
            if self._refuses():
                self._faults.done["refusal then success"] += 1
                self._pays(reference, Pay())
                return answers.refusal(Refused(400, 1102, "ref1"))
            self._plan(reference)
            return answer

        return handle

    def _refuses(self) -> bool:
        if not self._faults.raging:
            return False
        often = 30 if self._faults.behind("refusal then success") else REFUSED_PERCENT
        return self._luck.randrange(100) < often

    def _plan(self, reference: str) -> None:
        draw = self._luck.randrange(100)
        pay = Pay()
        if draw < PAID_OTHERWISE_PERCENT:
            self._faults.done["payer pays another amount"] += 1
            pay = Pay(Money(self._luck.randint(1, 99), THB))
        elif draw >= PAID_PERCENT:
            return

        async def pays() -> None:
            if self._faults.raging:
                self._pays(reference, pay)

        self.world.schedule.after(timedelta(milliseconds=self._luck.randrange(200, 8_000)), pays)

    def _pays(self, reference: str, pay: Pay) -> None:
        with suppress(CannotPay):
            self.pay(reference, pay)

    def lose_next_creation(self) -> None:
        """In calm weather: the answer to the next creation is lost."""
        self._drawn.lose_next = True

    def confirms_all_again(self) -> None:
        """Every confirmation once more, as a bank does when it is asked to."""
        for payment in self._book.payments.values():
            self._confirm(payment, "send")

    @property
    def total(self) -> int:
        """Satang that moved."""
        return sum(movement.amount.minor for movement in self.world.movements)

    @property
    def references(self) -> list[str]:
        """Our references the bank made something for, one for each thing it made."""
        return [sale.ref1 for sale in self._book.sales.values()]

    def accepted(self) -> set[str]:
        """Transactions whose confirmation we said we have."""
        return {letter.about for letter in self._post.letters if letter.state == "accepted"}


def _reference(about: str) -> str:
    return str(json.loads(about[about.index("{") :]).get("ref1"))
