"""What a provider's simulator is made of, and what the shared parts need from it. No HTTP here."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from quickkub.connectors.simulation.clock import Schedule, SimClock
from quickkub.connectors.simulation.faults import Faults
from quickkub.connectors.simulation.weather import BadWeather, Weather, read_weather
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.money import Money, decimal_text


class CannotPay(Exception):
    """The payer's app would refuse: the text says why."""


class NoSuchThing(Exception):
    """There is no item or movement of this name."""


class BadControl(Exception):
    """A request to the control API cannot be read."""


@dataclass(slots=True)
class Movement:
    """Money that moved: the truth that everything else is measured by.

    `item` is the ref of what was paid; `details` are the provider's own words about it.
    """

    transaction_id: str
    item: str
    reference: str
    amount: Money
    paid_at: datetime
    details: dict[str, str] = field(default_factory=dict)
    reversed: bool = False

    def shown(self) -> dict[str, Any]:
        """As the control API tells it; `satang` is the amount in minor units."""
        return {
            "transaction_id": self.transaction_id,
            "item": self.item,
            "reference": self.reference,
            "amount": decimal_text(self.amount),
            "satang": self.amount.minor,
            "currency": self.amount.currency.code,
            "paid_at": rfc3339(self.paid_at),
            "reversed": self.reversed,
            **self.details,
        }


@dataclass(frozen=True, slots=True)
class Item:
    """Something a payer can pay, for the page. `state` and `note` are plain words."""

    ref: str
    kind: str
    amount: Money
    state: str
    made_at: datetime
    expires_at: datetime | None
    paid: tuple[Money, ...]
    note: str = ""
    qr_text: str = ""


@dataclass(frozen=True, slots=True)
class Pay:
    """How a payer pays. `amount` None is what was asked; `callback` is `send`, `drop` or `duplicate`.

    `lose_answer` also cuts off the next answer about the item, so that only a later question finds the money.
    """

    amount: Money | None = None
    callback: str = "send"
    lose_answer: bool = False
    by: str = ""


class World:
    """Time, luck and truth of one simulator."""

    def __init__(self, seed: int | None = None) -> None:
        self.clock = SimClock()
        self.schedule = Schedule(self.clock)
        self.faults = Faults()
        self.weather = Weather(seed=seed or 0)
        self.movements: list[Movement] = []
        # Without a seed, ids differ from run to run, so that a restarted simulator never says an id again.
        self.random: random.Random = random.Random(seed) if seed is not None else secrets.SystemRandom()  # noqa: S311

    @classmethod
    def from_config(cls, config: Config) -> World:
        """A world with the `seed` and `weather` of a simulator's configuration. Raises BadControl."""
        seed = config.get("seed")
        world = cls(seed if isinstance(seed, int) else None)
        try:
            world.weather = read_weather({"seed": seed or 0, **config.get("weather", {})})
        except BadWeather as trouble:
            raise BadControl(str(trouble)) from None
        return world

    def movement(self, transaction_id: str) -> Movement | None:
        return next((m for m in self.movements if m.transaction_id == transaction_id), None)


Config: TypeAlias = Mapping[str, Any]


class ProviderSimulator(Protocol):
    """One provider, played. `operations` are its API; the rest is for the page and the control API."""

    name: str
    title: str
    world: World

    def base_paths(self) -> tuple[str, ...]:
        """The paths below which the API answers, such as `/partners/sandbox`."""
        ...

    def operations(self) -> tuple[Operation, ...]: ...

    def items(self, limit: int) -> list[Item]:
        """What can be paid, newest first, at most so many."""
        ...

    def item(self, ref: str) -> Item:
        """One of them. Raises NoSuchThing."""
        ...

    def pay(self, ref: str, pay: Pay) -> Movement:
        """Move money now. Raises NoSuchThing and CannotPay."""
        ...

    def scan(self, qr: str) -> str:
        """The ref of the item behind a QR text, made if it is not known yet. Raises CannotPay."""
        ...

    def end(self, ref: str, state: str) -> None:
        """End an item unpaid: `cancelled` or `invalid`. Raises NoSuchThing, CannotPay, BadControl."""
        ...

    def reverse(self, transaction_id: str) -> Movement:
        """Take a movement back. Raises NoSuchThing."""
        ...

    def configure(self, what: str, said: Config) -> Mapping[str, Any]:
        """`apps`, `registrations`, `options`. Raises BadControl."""
        ...

    def confirmations(self) -> list[Mapping[str, Any]]:
        """What was called back, with each try and its answer."""
        ...

    def reset(self) -> None:
        """Forget items and movements; registrations and options stay."""
        ...

    def trouble(self, status: int) -> bytes:
        """The provider's error body for a failure of the whole service."""
        ...

    def distort(self, body: bytes, what: str) -> bytes:
        """The same answer with another amount or currency (`wrong_amount`, `wrong_currency`)."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of a provider's API. `handler` takes the aiohttp request and returns an aiohttp response."""

    name: str
    method: str
    path: str
    handler: Callable[[Any], Any]


class SimulatorMaker(Protocol):
    """What a provider's simulator package offers as SIMULATOR."""

    def __call__(self, config: Config) -> ProviderSimulator:
        """A simulator with this configuration. Raises BadControl."""
        ...
