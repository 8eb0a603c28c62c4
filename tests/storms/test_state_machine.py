"""T1: whatever merchant, payer and bank do in whatever order, the gateway says what a plain dict says."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from quickkub.invariants.run import check_invariants
from quickkub.kernel.errors import Refusal
from quickkub.kernel.ids import AttemptId
from quickkub.ledger.verify import verify
from quickkub.payments import attempt_store, sweep
from quickkub.storage import open_database
from quickkub.storage.scope import HOUSE
from tests.support.chaos.madeup import RememberingBank, satang, told_of
from tests.support.postgres import TestServer
from tests.support.shop import Shop, open_shop

T = TypeVar("T")

EXAMPLES: Final = int(os.environ.get("STORM_EXAMPLES", "40"))
STEPS: Final = 40
WHICH: Final = st.integers(0, 3)
PERCENT: Final = st.integers(1, 100)


@dataclass(slots=True)
class Model:
    """What a payment is, in plain words. `moved` is what the bank has, `heard` which of it we
    know, `doubted` which of it was told once and fits nothing we wait for."""

    amount: int
    card: bool
    key: str
    id: str = ""
    reference: str = ""
    attempt: str = ""
    state: str = ""
    shown: bool = False
    overdue: bool = False
    moved: list[int] = field(default_factory=list)
    heard: set[int] = field(default_factory=set)
    doubted: set[int] = field(default_factory=set)
    captured: int = 0
    unapplied: int = 0
    refunded: int = 0
    hold_open: bool = False

    def hears(self) -> None:
        """The bank is asked, and answers: every movement that is news is the payment's, or nobody's.

        While the payment waits, another amount than it waits for is believed when it is told again.
        """
        for index, amount in enumerate(self.moved):
            if index in self.heard:
                continue
            waits = self.state != "succeeded"
            if waits and amount != self.amount and index not in self.doubted:
                self.doubted.add(index)
                continue
            self.heard.add(index)
            if waits and amount == self.amount:
                self.state, self.captured = "succeeded", amount
            else:
                self.unapplied += amount

    @property
    def booked(self) -> int:
        return sum(self.moved[index] for index in self.heard) - self.refunded


class World(RuleBasedStateMachine):
    """One merchant at the made-up bank, on a database of its own."""

    server: TestServer
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self.bank = RememberingBank()
        self.shop: Shop = self.does(self._open())
        self.model: dict[str, Model] = {}

    async def _open(self) -> Shop:
        dsn = await self._stack.enter_async_context(self.server.fresh_database())
        database = await open_database(dsn, size_max=2, scope=HOUSE)
        self._stack.push_async_callback(database.close)
        return await open_shop(database, self.bank)

    def does(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def teardown(self) -> None:
        """The books were verified at each step; all the other invariants are checked at the end."""
        try:
            assert self.does(check_invariants(self.shop.db)).violations == []
        finally:
            self.does(self._stack.aclose())
            self._runner.close()

    def _pick(self, which: int, *, card: bool | None = None) -> Model | None:
        fitting = [m for m in self.model.values() if card is None or m.card is card]
        return fitting[which % len(fitting)] if fitting else None

    # --- the merchant ---

    @rule(amount=st.integers(1, 50_000), card=st.booleans(), lost=st.booleans())
    def creates(self, amount: int, card: bool, lost: bool) -> None:
        """A QR, or a card whose money is held; the bank's answer may be lost."""
        payment = Model(amount, card, f"order-{len(self.model)}")
        self.bank.loses = int(lost)
        shown = self.does(self._asks(payment))
        payment.id = shown["id"]
        (attempt,) = self.does(self.shop.sees(payment.id))["attempts"]
        payment.reference, payment.attempt = attempt["reference"], attempt["id"]
        payment.state = "processing"
        if not lost:
            self._answered(payment)
        self.model[payment.id] = payment

    def _answered(self, payment: Model) -> None:
        payment.shown = not payment.card
        payment.hold_open = payment.card
        payment.state = "authorized" if payment.card else "requires_action"

    async def _asks(self, payment: Model) -> dict[str, Any]:
        more: dict[str, Any] = {"method": "card", "capture_later": True} if payment.card else {}
        return await self.shop.charges(satang(payment.amount), payment.key, **more)

    @precondition(lambda self: self.model)
    @rule(which=WHICH)
    def asks_once_more_with_the_same_key(self, which: int) -> None:
        payment = self._pick(which)
        assert payment is not None
        assert self.does(self._asks(payment))["id"] == payment.id

    @precondition(lambda self: self.model)
    @rule(which=WHICH)
    def cancels(self, which: int) -> None:
        payment = self._pick(which)
        assert payment is not None
        if self._is_done(self.shop.cancels(payment.id), may=payment.state == "requires_action"):
            payment.state = "cancelled"

    @precondition(lambda self: any(m.card for m in self.model.values()))
    @rule(which=WHICH, percent=PERCENT, final=st.booleans(), lost=st.booleans())
    def captures(self, which: int, percent: int, final: bool, lost: bool) -> None:
        payment = self._pick(which, card=True)
        assert payment is not None
        wanted = max(1, payment.amount * percent // 100)
        may = payment.hold_open and payment.captured + wanted <= payment.amount
        if self._is_done(self.shop.captures(payment.id, satang(wanted), final=final), may=may, lost=lost):
            payment.heard.add(len(payment.moved))
            payment.moved.append(wanted)
            payment.captured += wanted
            payment.state = "succeeded"
            payment.hold_open = not final

    @precondition(lambda self: any(m.card for m in self.model.values()))
    @rule(which=WHICH, lost=st.booleans())
    def voids(self, which: int, lost: bool) -> None:
        payment = self._pick(which, card=True)
        assert payment is not None
        may = payment.hold_open and payment.captured < payment.amount
        if self._is_done(self.shop.voids(payment.id), may=may, lost=lost):
            payment.hold_open = False
            payment.state = "succeeded" if payment.captured else "cancelled"

    @precondition(lambda self: any(m.card for m in self.model.values()))
    @rule(which=WHICH, percent=PERCENT, lost=st.booleans())
    def refunds(self, which: int, percent: int, lost: bool) -> None:
        payment = self._pick(which, card=True)
        assert payment is not None
        wanted = max(1, payment.amount * percent // 100)
        may = payment.refunded + wanted <= payment.captured
        if self._is_done(self.shop.refunds_of(payment.id, satang(wanted)), may=may, lost=lost):
            payment.refunded += wanted

    def _is_done(self, work: Coroutine[Any, Any, Any], *, may: bool, lost: bool = False) -> bool:
        """Whether it was done; it has to be exactly when it may be. The worker asks for a lost answer."""
        self.bank.loses = int(lost)
        try:
            self.does(work)
        except Refusal as refusal:
            self.bank.loses = 0
            assert not may, f"{refusal.code}: {refusal.detail}"
            return False
        assert may, "it should have been refused"
        if lost:
            self.does(self._hears_of_instructions())
        return True

    async def _hears_of_instructions(self) -> None:
        async with self.shop.db.transaction() as tx:
            await tx.execute("UPDATE instructions SET next_check_at = now() WHERE state = 'unknown'")
        for told in await self.shop.payments.claim_instructions(10):
            await self.shop.payments.check_instruction(told)

    # --- the payer and the bank ---

    @precondition(lambda self: any(not m.card for m in self.model.values()))
    @rule(which=WHICH, otherwise=st.sampled_from([0, 0, 0, 1, -1]), tell=st.integers(0, 2))
    def pays(self, which: int, otherwise: int, tell: int) -> None:
        """A payer pays, too little or too much at times; the bank tells us never, once or twice."""
        payment = self._pick(which, card=False)
        assert payment is not None
        amount = max(1, payment.amount + otherwise)
        transaction = self.bank.pays(payment.reference, satang(amount))
        payment.moved.append(amount)
        for telling in range(tell):
            self.does(self._is_told(payment, transaction, amount))
            # The same callback again leads to nothing, but for the inquiry that another amount brings on.
            if telling == 0 or amount != payment.amount:
                payment.hears()

    async def _is_told(self, payment: Model, transaction: str, amount: int) -> None:
        await self.shop.is_told(told_of(payment.reference, transaction, satang(amount)))
        for kept in await self.shop.payments.claim_callbacks(10):
            await self.shop.payments.work_callback(kept)
        if amount != payment.amount:
            # A claim of another amount brings the next inquiry forward.
            await self._inquires(payment)

    @precondition(lambda self: self.model)
    @rule(which=WHICH, lost=st.booleans())
    def inquires(self, which: int, lost: bool) -> None:
        payment = self._pick(which)
        assert payment is not None
        self.bank.loses = int(lost)
        self.does(self._inquires(payment))
        if lost:
            return
        payment.hears()
        # Money of another amount is all the bank has to say: it shows no QR any more, and nothing is clear.
        if payment.state == "processing" and not payment.moved:
            if payment.overdue and not payment.card:
                payment.state = "expired"
            else:
                self._answered(payment)

    async def _inquires(self, payment: Model) -> None:
        async with self.shop.db.read() as reader:
            found = await attempt_store.find_attempt(reader, self.shop.merchant, AttemptId(payment.attempt))
        assert found is not None
        await sweep.check_attempt(self.shop.office, found)

    @precondition(lambda self: self.model)
    @rule(which=WHICH)
    def runs_out_of_time(self, which: int) -> None:
        payment = self._pick(which, card=False)
        if payment is None:
            return
        self.does(self._runs_out(payment))
        payment.overdue = True
        if payment.state == "requires_action":
            payment.state = "expired"

    async def _runs_out(self, payment: Model) -> None:
        async with self.shop.db.transaction() as tx:
            await tx.execute(
                "UPDATE payments SET expires_at = now() - interval '1 s',"
                " due_at = CASE WHEN due_at IS NULL THEN NULL ELSE now() END WHERE id = $1",
                payment.id,
            )
        for overdue in await self.shop.payments.claim_overdue(10):
            await self.shop.payments.expire(overdue)

    # --- what is always true ---

    @invariant()
    def the_gateway_says_what_the_model_says(self) -> None:
        for payment in self.model.values():
            shown = self.does(self.shop.sees(payment.id))
            says = (shown["status"], shown["captured_amount"], shown["refunded_amount"])
            assert says == (payment.state, payment.captured, payment.refunded)

    @invariant()
    def the_books_add_up(self) -> None:
        type(self).steps += 1
        booked = sum(m.booked for m in self.model.values())
        unapplied = sum(m.unapplied for m in self.model.values())
        assert self.does(self._balance("provider:%")) == booked
        assert -self.does(self._balance("merchant:unapplied")) == unapplied
        assert self.does(verify(self.shop.db)).violations == []

    async def _balance(self, account: str) -> int:
        sql = "SELECT coalesce(sum(amount), 0)::bigint AS n FROM entries WHERE account LIKE $1"
        (row,) = await self.shop.rows(sql, account)
        return int(row["n"])


@pytest.fixture
def machine(postgres_server: TestServer) -> type[World]:
    return type("OneWorld", (World,), {"server": postgres_server})


def test_the_gateway_and_a_plain_dict_agree_at_every_step(machine: type[World]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            # A failing run is as long as it is; to shorten it takes minutes. Its steps are printed.
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert machine.steps > EXAMPLES, "a machine that does nothing agrees with everything"
