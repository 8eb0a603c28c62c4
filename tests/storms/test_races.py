"""T2: each pair of operations on one object, started at a barrier, 200 rounds each."""

from __future__ import annotations

import pytest

from quickkub.connectors.contract import Doing
from quickkub.invariants.run import check_invariants
from quickkub.storage import Database
from quickkub.storage.idempotency import KeyBusy
from tests.support.chaos import races
from tests.support.chaos.madeup import RememberingBank
from tests.support.chaos.races import PART, PRICE, Pair, Scene, money_of, race
from tests.support.shop import open_shop


async def one_payment(scene: Scene) -> None:
    """One key is one payment; whoever came second was told so or told to wait."""
    ids = {end for end in scene.ended if isinstance(end, str)}
    assert len(ids) == 1 and all(isinstance(end, str | KeyBusy) for end in scene.ended)
    (row,) = await scene.shop.rows("SELECT count(*) AS n FROM idempotency_keys WHERE key = $1", scene.key)
    assert row["n"] == 1


async def paid_once(scene: Scene) -> None:
    assert money_of(await scene.sees()) == ("succeeded", PRICE.minor, 0)
    (row,) = await scene.shop.rows("SELECT count(*) AS n FROM receipts WHERE payment_id = $1", scene.payment)
    assert row["n"] == 1


async def ended_and_then_paid_all_the_same(scene: Scene) -> None:
    """Late money wins, whoever ended it."""
    assert money_of(await scene.sees())[0] in ("expired", "cancelled")
    await races.looks_for_late_money(scene)
    await paid_once(scene)


async def never_captured_beyond_the_hold(scene: Scene) -> None:
    assert scene.done == 1
    assert money_of(await scene.sees()) == ("succeeded", PART.minor, 0)


async def captured_whole_once(scene: Scene) -> None:
    assert scene.done == 1
    assert money_of(await scene.sees()) == ("succeeded", PRICE.minor, 0)


async def captured_or_let_go(scene: Scene) -> None:
    assert scene.done == 1
    state, captured, _ = money_of(await scene.sees())
    assert (state, captured) in [("succeeded", PRICE.minor), ("cancelled", 0)]
    assert scene.bank.told[-1].doing is (Doing.CAPTURE if captured else Doing.VOID)


async def never_refunded_beyond_the_capture(scene: Scene) -> None:
    assert scene.done == 1
    assert money_of(await scene.sees()) == ("succeeded", PRICE.minor, PART.minor)


async def disputed_whatever_was_refunded(scene: Scene) -> None:
    shown = await scene.sees()
    assert shown["disputed_amount"] + shown["refunded_amount"] >= PRICE.minor
    assert shown["refunded_amount"] in (0, PART.minor)


PAIRS = (
    Pair("key/key", races.nothing, races.asks, races.asks, one_payment),
    Pair("notify/notify", races.paid, races.notify, races.notify, paid_once),
    Pair("notify/inquiry", races.paid, races.notify, races.inquire, paid_once),
    Pair("inquiry/inquiry", races.paid, races.inquire, races.inquire, paid_once),
    Pair("expire/notify", races.paid_too_late, races.expire, races.notify, paid_once),
    Pair("expire/cancel", races.paid_too_late, races.expire, races.cancel, ended_and_then_paid_all_the_same),
    Pair("cancel/notify", races.paid, races.cancel, races.notify, paid_once),
    Pair("cancel/inquiry", races.paid, races.cancel, races.inquire, paid_once),
    Pair("capture/capture", races.held, races.capture, races.capture, captured_whole_once),
    Pair("part/part", races.held, races.capture_part, races.capture_part, never_captured_beyond_the_hold),
    Pair("capture/void", races.held, races.capture, races.void, captured_or_let_go),
    Pair("refund/refund", races.captured, races.refund, races.refund, never_refunded_beyond_the_capture),
    Pair("refund/dispute", races.captured, races.refund, races.dispute, disputed_whatever_was_refunded),
)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
async def test_whoever_comes_first_the_money_is_right(pair: Pair, database: Database) -> None:
    bank = RememberingBank()
    shop = await open_shop(database, bank)
    await race(shop, bank, pair)
    (ledger,) = await shop.rows(
        "SELECT coalesce(sum(amount), 0)::bigint AS n FROM entries WHERE account LIKE 'provider:%'"
    )
    assert ledger["n"] == bank.total or pair.name == "refund/dispute"
    assert (await check_invariants(database)).violations == []
