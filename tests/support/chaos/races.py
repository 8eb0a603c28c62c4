"""Two operations on one object, started at a barrier, over and over: whoever is first, the money is right.

To add a pair is one line in tests/storms/test_races.py: an opening, two actions, and what must be true.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from quickkub.connectors.contract import DisputeNews, DisputeState
from quickkub.kernel.errors import Refusal
from quickkub.kernel.ids import AttemptId
from quickkub.kernel.money import baht
from quickkub.payments import attempt_store, sweep
from tests.support.chaos.madeup import RememberingBank, told_of
from tests.support.shop import Shop

PRICE = baht(100)
PART = baht(60)
"""Two of these are more than there is."""


@dataclass(slots=True)
class Scene:
    """One object of one round, and how both actions on it ended."""

    shop: Shop
    bank: RememberingBank
    key: str
    payment: str = ""
    reference: str = ""
    transaction: str = ""
    attempt: str = ""
    ended: list[Any] = field(default_factory=list)

    @property
    def done(self) -> int:
        """How many of the two were done and not refused."""
        return sum(not isinstance(end, Refusal) for end in self.ended)

    async def sees(self) -> dict[str, Any]:
        return await self.shop.sees(self.payment)


Act = Callable[[Scene], Awaitable[Any]]


# --- openings ---


async def nothing(scene: Scene) -> None:
    """Nobody has asked for anything."""


async def waiting(scene: Scene) -> None:
    """A QR is shown."""
    await _asked(scene)


async def paid(scene: Scene) -> None:
    """The payer has paid, and we do not know it yet."""
    await _asked(scene)
    scene.transaction = scene.bank.pays(scene.reference, PRICE)


async def paid_too_late(scene: Scene) -> None:
    """As above, and the payer's time is up."""
    await paid(scene)
    async with scene.shop.db.transaction() as tx:
        await tx.execute(
            "UPDATE payments SET due_at = now(), expires_at = now() - interval '1 second' WHERE id = $1",
            scene.payment,
        )


async def held(scene: Scene) -> None:
    """A card's money is held."""
    await _asked(scene, method="card", capture_later=True)


async def captured(scene: Scene) -> None:
    """A card's money is ours."""
    await held(scene)
    await scene.shop.captures(scene.payment)


async def _asked(scene: Scene, **more: Any) -> None:
    shown = await scene.shop.charges(PRICE, scene.key, **more)
    scene.payment = shown["id"]
    (attempt,) = (await scene.sees())["attempts"]
    scene.reference, scene.attempt = attempt["reference"], attempt["id"]


# --- actions ---


async def asks(scene: Scene) -> str:
    """The merchant asks, always with the same key."""
    shown = await scene.shop.charges(PRICE, scene.key)
    scene.payment = shown["id"]
    return scene.payment


async def notify(scene: Scene) -> None:
    """The bank calls back, and a worker works on it."""
    await scene.shop.is_told(told_of(scene.reference, scene.transaction, PRICE))
    for kept in await scene.shop.payments.claim_callbacks(10):
        await scene.shop.payments.work_callback(kept)


async def inquire(scene: Scene) -> None:
    """A worker inquires, as one does that lost its lease without knowing."""
    async with scene.shop.db.read() as reader:
        attempt = await attempt_store.find_attempt(reader, scene.shop.merchant, AttemptId(scene.attempt))
    assert attempt is not None
    await sweep.check_attempt(scene.shop.office, attempt)


async def expire(scene: Scene) -> None:
    """The worker ends what is out of time."""
    for overdue in await scene.shop.payments.claim_overdue(10):
        await scene.shop.payments.expire(overdue)


async def cancel(scene: Scene) -> None:
    """The merchant calls it off."""
    await scene.shop.cancels(scene.payment)


async def capture(scene: Scene) -> None:
    """The merchant takes all that is held."""
    await scene.shop.captures(scene.payment)


async def capture_part(scene: Scene) -> None:
    """The merchant takes a part, more than half."""
    await scene.shop.captures(scene.payment, PART, final=False)


async def void(scene: Scene) -> None:
    """The merchant lets it go."""
    await scene.shop.voids(scene.payment)


async def refund(scene: Scene) -> None:
    """The merchant gives a part back, more than half."""
    await scene.shop.refunds_of(scene.payment, PART)


async def dispute(scene: Scene) -> None:
    """The payer's bank wants all of it back."""
    about = f"D{scene.reference}"
    scene.bank.dispute = DisputeNews(about, "", PRICE, DisputeState.NEEDS_RESPONSE, "fraud")
    await scene.shop.is_told({"id": about, "ref": scene.reference, "dispute": True})
    for kept in await scene.shop.payments.claim_callbacks(10):
        await scene.shop.payments.work_callback(kept)


# --- the race ---


@dataclass(frozen=True, slots=True)
class Pair:
    """`left` and `right` start together on what `opening` made; `then` is asked when all work is done."""

    name: str
    opening: Act
    left: Act
    right: Act
    then: Act


async def race(shop: Shop, bank: RememberingBank, pair: Pair, rounds: int = 200) -> None:
    """Run a pair so often; chance, seeded by the pair, holds either back by a few turns of the loop."""
    luck = random.Random(pair.name)
    for number in range(rounds):
        scene = Scene(shop, bank, f"{pair.name}-{number}")
        await pair.opening(scene)
        line = asyncio.Barrier(2)
        both = [_runs(act, scene, line, luck.randrange(12)) for act in (pair.left, pair.right)]
        scene.ended = list(await asyncio.gather(*both))
        await shop.works()
        await pair.then(scene)


async def _runs(act: Act, scene: Scene, line: asyncio.Barrier, turns: int) -> Any:
    await line.wait()
    for _ in range(turns):
        await asyncio.sleep(0)
    try:
        return await act(scene)
    except Refusal as refusal:
        return refusal


async def looks_for_late_money(scene: Scene) -> None:
    """The look that falls due half a minute after we stopped waiting, now."""
    async with scene.shop.db.transaction() as tx:
        await attempt_store.check_now(tx, scene.shop.merchant, AttemptId(scene.attempt))
    await scene.shop.works()


def money_of(shown: dict[str, Any]) -> tuple[str, int, int]:
    """State, captured and refunded of a payment as the merchant sees it."""
    return shown["status"], shown["captured_amount"], shown["refunded_amount"]
