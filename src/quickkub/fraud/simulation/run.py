"""Plays honest payers and attackers against the real rules and counters, and measures what came of it."""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from quickkub.fraud import store
from quickkub.fraud.facts import FactBook
from quickkub.fraud.model import Action
from quickkub.fraud.screen import Screen, Screened
from quickkub.fraud.simulation.attacks import ATTACKS, DORMANT_MERCHANT, NEW_MERCHANT
from quickkub.fraud.simulation.drawing import Dice, Try
from quickkub.fraud.simulation.store import add_merchant, add_old_payment
from quickkub.fraud.simulation.traffic import KINDS, honest
from quickkub.fraud.starter import starter_rules
from quickkub.fraud.subject import Hasher, Subject
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.money import THB, Money
from quickkub.kernel.secrets import Secret
from quickkub.storage import Database

BEGINS: Final = datetime(2026, 10, 5, 17, 0, tzinfo=UTC)
"""Midnight in Bangkok."""

MODE: Final = "test"

WITHIN: Final = timedelta(minutes=15)
WARM_DAYS: Final = 2
"""Days of honest payments before the first attack; they count as false positives, too."""


@dataclass
class Sum:
    """How many payments, and how much money in satang."""

    count: int = 0
    satang: int = 0

    def add(self, satang: int) -> None:
        self.count += 1
        self.satang += satang


@dataclass
class Told:
    """What came of one attack. `tried`: what would have been paid without us; times in seconds from its
    start."""

    name: str
    began_at: datetime
    tried: Sum = field(default_factory=Sum)
    stopped: Sum = field(default_factory=Sum)
    tried_early: Sum = field(default_factory=Sum)
    stopped_early: Sum = field(default_factory=Sum)
    first_stop_seconds: int | None = None
    satang_before: int = 0

    @property
    def stopped_in_time(self) -> int:
        """Satang that was stopped, if the attack was first stopped within 15 minutes; else nothing."""
        in_time = self.first_stop_seconds is not None and self.first_stop_seconds <= WITHIN.total_seconds()
        return self.stopped.satang if in_time else 0


@dataclass
class Outcome:
    """Of one seed: attacks, honest payments and those of them that were hit, and the time each look took."""

    seed: int
    attacks: list[Told]
    honest: Sum = field(default_factory=Sum)
    hit: Sum = field(default_factory=Sum)
    hit_by: dict[str, int] = field(default_factory=dict)
    alerts: int = 0
    looked: int = 0
    latencies_us: list[int] = field(default_factory=list)

    @property
    def tried_satang(self) -> int:
        """What all attacks together would have taken."""
        return sum(one.tried.satang for one in self.attacks)

    @property
    def stopped_basis_points(self) -> int:
        """Of the attacks' value, what was stopped by a defence that stood within 15 minutes."""
        return _basis_points(sum(one.stopped_in_time for one in self.attacks), self.tried_satang)

    @property
    def early_basis_points(self) -> int:
        """Of what was tried in the first 15 minutes of the attacks, what was stopped."""
        tried = sum(one.tried_early.satang for one in self.attacks)
        return _basis_points(sum(one.stopped_early.satang for one in self.attacks), tried)

    @property
    def hit_basis_points(self) -> int:
        """Honest payments that were blocked, challenged or reviewed, by count."""
        return _basis_points(self.hit.count, self.honest.count)

    @property
    def hit_value_basis_points(self) -> int:
        """The same by value."""
        return _basis_points(self.hit.satang, self.honest.satang)

    @property
    def alerts_per_thousand(self) -> int:
        """Of all payments looked at."""
        return self.alerts * 1000 // max(self.looked, 1)

    @property
    def p99_us(self) -> int:
        """What a look took at most, in 99 of 100 cases, database included."""
        return self.look_us(99)

    def look_us(self, part: int) -> int:
        """What a look took at most in so many of 100 cases, in microseconds."""
        return sorted(self.latencies_us)[len(self.latencies_us) * part // 100]


def _basis_points(part: int, whole: int) -> int:
    return part * 10_000 // whole if whole else 0


class _Attacker:
    """One attack under way: its tries come one by one, each knowing whether the last was stopped."""

    def __init__(self, name: str, at: datetime, dice: Dice) -> None:
        self.told = Told(name, at)
        self._refused = False
        self._tries = ATTACKS[name](dice, at, lambda: self._refused)

    def next_try(self) -> Try | None:
        return next(self._tries, None)

    def hears(self, tried: Try, action: Action) -> None:
        """The attacker sees a refusal; what a review keeps back they do not see."""
        stopped = action is not Action.ALLOW
        self._refused = action is Action.BLOCK
        if tried.fails:
            return
        told, since = self.told, tried.at - self.told.began_at
        sums = [told.tried] + [told.tried_early] * (since <= WITHIN)
        if stopped:
            sums += [told.stopped] + [told.stopped_early] * (since <= WITHIN)
        elif told.first_stop_seconds is None:
            told.satang_before += tried.satang
        for one in sums:
            one.add(tried.satang)


async def simulate(
    db: Database, seed: int, *, days: int = 4, share_percent: int = 100, attacks: int = 1
) -> Outcome:
    """Play one seed on a migrated database: `days` of honest payments, each attack so often in the last days.

    All starter rules are live. Everything is written as it would be for real payments.
    """
    dice = Dice(f"quickkub {seed}")
    shop = await _open(db)
    waiting = _Queue(honest(dice, BEGINS, days, share_percent))
    attackers = []
    for name in ATTACKS:
        for number in range(attacks):
            own = Dice(f"quickkub {seed} {name} {number}")
            span = (days - WARM_DAYS) * 24 * 60
            begins = BEGINS + timedelta(days=WARM_DAYS, minutes=own.between(0, span - 180))
            attackers.append(_Attacker(name, begins, own))
            waiting.put_next(attackers[-1])
    outcome = Outcome(seed, [one.told for one in attackers])
    for tried, attacker in waiting:
        screened, took_us = await shop.looks(tried)
        _note(outcome, tried, screened, took_us, attacker)
        if attacker is not None:
            waiting.put_next(attacker)
    return outcome


def _note(outcome: Outcome, tried: Try, screened: Screened, took_us: int, attacker: _Attacker | None) -> None:
    stopped = screened.action is not Action.ALLOW
    outcome.looked += 1
    outcome.alerts += stopped
    outcome.latencies_us.append(took_us)
    if attacker is None:
        outcome.honest.add(tried.satang)
        if stopped:
            outcome.hit.add(tried.satang)
            outcome.hit_by[screened.decided_by] = outcome.hit_by.get(screened.decided_by, 0) + 1
        return
    if stopped and attacker.told.first_stop_seconds is None:
        attacker.told.first_stop_seconds = int((tried.at - attacker.told.began_at).total_seconds())
    attacker.hears(tried, screened.action)


class _Queue:
    """Everybody's next try, in the order of time."""

    def __init__(self, tries: list[Try]) -> None:
        self._honest = iter(tries)
        self._waiting: list[tuple[datetime, int, Try, _Attacker | None]] = []
        self._number = 0
        self._put(next(self._honest, None), None)

    def put_next(self, attacker: _Attacker) -> None:
        self._put(attacker.next_try(), attacker)

    def _put(self, tried: Try | None, attacker: _Attacker | None) -> None:
        if tried is not None:
            self._number += 1
            heapq.heappush(self._waiting, (tried.at, self._number, tried, attacker))

    def __iter__(self) -> Iterator[tuple[Try, _Attacker | None]]:
        while self._waiting:
            _, _, tried, attacker = heapq.heappop(self._waiting)
            if attacker is None:
                self._put(next(self._honest, None), None)
            yield tried, attacker


class _Shops:
    """The merchants of the simulation, with all starter rules live."""

    def __init__(self, db: Database, merchants: list[MerchantId]) -> None:
        self._db, self._merchants = db, merchants
        hasher = Hasher(Secret("a key for simulations, which holds nobody's data"))
        self._screens = [Screen(hasher, FactBook()) for _ in merchants]

    async def looks(self, tried: Try) -> tuple[Screened, int]:
        """One payment: looked at, and its failure counted. Returns the verdict and microseconds."""
        subject = Subject(
            self._merchants[tried.merchant],
            MODE,
            new_id("pay"),
            Money(tried.satang, THB),
            tried.method,
            tried.at,
            email=tried.email,
            phone=tried.phone,
            address=tried.address,
            hints=tried.hints,
            reference=tried.reference,
        )
        screen = self._screens[tried.merchant]
        async with self._db.transaction() as tx:
            began_ns = time.perf_counter_ns()
            screened = await screen.before(tx, subject, 1)
            took_us = (time.perf_counter_ns() - began_ns) // 1000
            if tried.fails and screened.action is not Action.BLOCK:
                await screen.failed(tx, subject)
        return screened, took_us


async def _open(db: Database) -> _Shops:
    rules = starter_rules("live")
    merchants = []
    async with db.transaction() as tx:
        for number in range(len(KINDS) + 2):
            made_at = BEGINS + timedelta(days=WARM_DAYS if number == NEW_MERCHANT else -500)
            merchant = await add_merchant(tx, f"Shop {number}", made_at)
            await store.add(tx, merchant, MODE, rules, "key_simulation")
            merchants.append(merchant)
        await add_old_payment(tx, merchants[DORMANT_MERCHANT], MODE, BEGINS - timedelta(days=90))
    return _Shops(db, merchants)
