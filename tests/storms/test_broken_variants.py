"""The tests are tested: deliberately broken gateways, each caught by a race or by the state machine.

That both find nothing wrong with the gateway as it is, is what their own tests say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from quickkub.connectors.contract import Failure
from quickkub.invariants.run import check_invariants
from quickkub.kernel.ids import MerchantId, new_reference
from quickkub.kernel.money import Money
from quickkub.payments import ask, orders, settle, store, sweep
from quickkub.payments.desk import Desk
from quickkub.payments.model import Payment
from quickkub.storage import Connection, Database
from tests.storms.test_races import PAIRS
from tests.storms.test_state_machine import World
from tests.support.chaos.madeup import RememberingBank
from tests.support.chaos.races import race
from tests.support.postgres import TestServer
from tests.support.shop import open_shop


def machine_catches(server: TestServer) -> bool:
    """Whether a few runs of the machine see that something is wrong."""
    world = type("BrokenWorld", (World,), {"server": server})
    few = settings(
        max_examples=15,
        stateful_step_count=25,
        deadline=None,
        derandomize=True,
        database=None,
        report_multiple_bugs=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(world, settings=few)
    except Exception:  # noqa: BLE001 -- however a broken gateway shows itself
        return True
    return False


async def race_catches(database: Database, name: str) -> bool:
    """Whether the pair, or the invariants after it, see that something is wrong."""
    bank = RememberingBank()
    shop = await open_shop(database, bank)
    pair = next(pair for pair in PAIRS if pair.name == name)
    try:
        await race(shop, bank, pair, rounds=60)
    except Exception:  # noqa: BLE001 -- however a broken gateway shows itself
        return True
    return bool((await check_invariants(database)).violations)


async def test_a_refund_counter_that_is_read_and_then_written_is_caught_by_a_race(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read_then_write(
        tx: Connection, merchant: MerchantId, mode: str, payment: str, amount: Money
    ) -> Payment | None:
        found = await store.find_payment(tx, merchant, mode, payment)
        if found is None or amount > found.refundable:
            return None
        counted = found.refunding.minor + amount.minor
        await tx.execute("UPDATE payments SET refunding_amount = $2 WHERE id = $1", payment, counted)
        return await store.find_payment(tx, merchant, mode, payment)

    monkeypatch.setattr(store, "reserve_refund", read_then_write)
    assert await race_catches(database, "refund/refund")


async def test_a_capture_that_is_not_counted_before_the_call_is_caught_by_a_race(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def not_counted(
        tx: Connection, merchant: MerchantId, mode: str, payment: str, amount: Money
    ) -> Payment | None:
        return await store.find_payment(tx, merchant, mode, payment)

    monkeypatch.setattr(store, "reserve_capture", not_counted)
    assert await race_catches(database, "part/part")


def test_a_timeout_that_is_taken_for_a_failure_is_caught_by_the_machine(
    postgres_server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failed(desk: Desk, provider_reference: str | None = None) -> None:
        await settle._fail(desk, Failure.PROVIDER_UNAVAILABLE, "timeout")

    monkeypatch.setattr(settle, "_take_unknown", failed)
    assert machine_catches(postgres_server)


def test_a_new_reference_on_a_resend_is_caught_by_the_machine(
    postgres_server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual: Callable[..., Any] = orders.order_for

    def renamed(*said: Any) -> Any:
        return replace(usual(*said), reference=new_reference(letters=20))

    for room in (ask, sweep):
        monkeypatch.setattr(room, "order_for", renamed)
    assert machine_catches(postgres_server)


def test_money_that_is_not_booked_is_caught_by_the_machine(
    postgres_server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forgets(*_: Any, **__: Any) -> None:
        """What a room does that keeps its books in another transaction, and dies before it."""

    monkeypatch.setattr("quickkub.payments.books.book_receipt", forgets)
    assert machine_catches(postgres_server)
