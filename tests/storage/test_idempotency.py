"""Same key, same words, same answer; other words are refused; a crash in between is survived (I1, I2, I3)."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import timedelta

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.kernel.ids import MerchantId, new_id
from quickkub.storage import Database
from quickkub.storage.housekeeping import KEY_DAYS, forget_old
from quickkub.storage.idempotency import (
    BUSY_SECONDS,
    KeyBusy,
    KeyReused,
    Once,
    Replay,
    claim,
    earlier,
    fingerprint,
    keep_answer,
)

ORDER = Once(
    MerchantId(new_id("mer")),
    "test",
    "payments.create",
    "order-1042",
    fingerprint("POST", "/v1/payments", (), b'{"amount":15000}'),
)
OTHER_WORDS = dataclasses.replace(
    ORDER, fingerprint=fingerprint("POST", "/v1/payments", (), b'{"amount":15100}')
)


async def claims(database: Database, once: Once, resource: str = "pay_1") -> Replay | None:
    async with database.transaction() as tx:
        return await claim(tx, once, resource)


async def answers(database: Database, once: Once, status: int, answer: bytes) -> None:
    async with database.transaction() as tx:
        await keep_answer(tx, once, status, answer)


async def time_passes(database: Database, span: timedelta) -> None:
    async with database.transaction() as tx:
        await tx.execute(
            "UPDATE idempotency_keys"
            " SET busy_until = busy_until - $1::interval, created_at = created_at - $1::interval",
            span,
        )


async def test_the_first_request_takes_the_key(database: Database) -> None:
    assert await claims(database, ORDER) is None


async def test_a_repeat_gets_the_stored_answer_to_the_byte(database: Database) -> None:
    await claims(database, ORDER, "pay_1")
    await answers(database, ORDER, 201, b'{"id":"pay_1"}\xff')
    assert await claims(database, ORDER, "pay_2") == Replay("pay_1", 201, b'{"id":"pay_1"}\xff')


async def test_a_repeat_while_the_first_is_at_work_is_told_when_to_come_back(database: Database) -> None:
    await claims(database, ORDER)
    with pytest.raises(KeyBusy) as refused:
        await claims(database, ORDER)
    assert (refused.value.retry_after, refused.value.param) == (1, "Idempotency-Key")


async def test_other_words_under_the_same_key_are_refused_before_and_after_the_answer(
    database: Database,
) -> None:
    await claims(database, ORDER)
    with pytest.raises(KeyReused):
        await claims(database, OTHER_WORDS)
    await answers(database, ORDER, 201, b"{}")
    with pytest.raises(KeyReused):
        await claims(database, OTHER_WORDS)
    assert await claims(database, ORDER) == Replay("pay_1", 201, b"{}")


async def test_a_first_request_that_died_leaves_its_object_to_the_repeat(database: Database) -> None:
    await claims(database, ORDER, "pay_1")
    await time_passes(database, timedelta(seconds=BUSY_SECONDS - 5))
    with pytest.raises(KeyBusy):
        await claims(database, ORDER, "pay_2")
    await time_passes(database, timedelta(seconds=6))
    assert await claims(database, ORDER, "pay_2") == Replay("pay_1", None, None)


async def test_a_claim_that_is_rolled_back_frees_the_key(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as tx:
            await claim(tx, ORDER, "pay_1")
            raise ZeroDivisionError
    assert await claims(database, ORDER, "pay_2") is None


async def test_the_first_stored_answer_stays(database: Database) -> None:
    await claims(database, ORDER)
    await answers(database, ORDER, 201, b"first")
    await answers(database, ORDER, 500, b"second")
    assert await claims(database, ORDER) == Replay("pay_1", 201, b"first")


async def test_an_answer_for_a_key_nobody_took_is_not_kept(database: Database) -> None:
    await answers(database, ORDER, 201, b"{}")
    async with database.read() as reader:
        assert await earlier(reader, ORDER) is None


async def test_a_half_stored_answer_is_refused_by_the_table(database: Database) -> None:
    await claims(database, ORDER)
    with pytest.raises(asyncpg.CheckViolationError):
        async with database.transaction() as tx:
            await tx.execute("UPDATE idempotency_keys SET status = 201")


@pytest.mark.parametrize(
    "other",
    [
        dataclasses.replace(ORDER, merchant=MerchantId(new_id("mer"))),
        dataclasses.replace(ORDER, mode="live"),
        dataclasses.replace(ORDER, operation="payments.cancel"),
        dataclasses.replace(ORDER, key="ORDER-1042"),
        dataclasses.replace(ORDER, key="order-1042 "),
    ],
    ids=["merchant", "mode", "operation", "case", "space"],
)
async def test_a_key_is_one_merchant_s_in_one_mode_for_one_operation(database: Database, other: Once) -> None:
    assert [await claims(database, once, "pay_1") for once in (ORDER, other)] == [None, None]
    await answers(database, ORDER, 201, b"one")
    await answers(database, other, 200, b"other")
    assert await claims(database, ORDER) == Replay("pay_1", 201, b"one")
    assert await claims(database, other) == Replay("pay_1", 200, b"other")


async def test_of_requests_that_come_at_once_one_works_and_the_others_wait_their_turn(
    database: Database,
) -> None:
    outcomes = await asyncio.gather(
        *(claims(database, ORDER, f"pay_{n}") for n in range(8)), return_exceptions=True
    )
    assert outcomes.count(None) == 1
    assert [type(one) for one in outcomes if one is not None] == [KeyBusy] * 7


async def test_a_repeat_waits_for_the_first_to_commit_and_then_gets_its_answer(database: Database) -> None:
    async with database.transaction() as tx:
        await claim(tx, ORDER, "pay_1")
        repeat = asyncio.create_task(claims(database, ORDER, "pay_2"))
        await until_somebody_waits_for_a_lock(database)
        await keep_answer(tx, ORDER, 201, b"{}")
    assert await repeat == Replay("pay_1", 201, b"{}")


async def until_somebody_waits_for_a_lock(database: Database) -> None:
    waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
    async with asyncio.timeout(10), database.read() as reader:
        while not await reader.fetchval(waits):
            await asyncio.sleep(0.01)


async def test_a_key_is_remembered_for_30_days_and_free_after_that(database: Database) -> None:
    await claims(database, ORDER)
    await answers(database, ORDER, 201, b"{}")
    await time_passes(database, timedelta(days=KEY_DAYS, minutes=-1))
    async with database.transaction() as tx:
        assert await forget_old(tx, 100) == 0
    await time_passes(database, timedelta(minutes=2))
    async with database.transaction() as tx:
        assert await forget_old(tx, 100) == 1
    assert await claims(database, ORDER, "pay_2") is None


async def test_a_key_that_is_forgotten_while_it_is_met_is_taken_anew(database: Database) -> None:
    """The old row is deleted after the claim ran into it and before the claim read it."""
    await claims(database, ORDER, "pay_old")
    forgets = 0

    async with database.transaction() as tx:

        async def forgetful(query: str, *values: object) -> object:
            nonlocal forgets
            if "SELECT fingerprint" in query and not forgets:
                forgets += 1
                async with database.transaction() as other:
                    await other.execute("DELETE FROM idempotency_keys")
            return await fetchrow(query, *values)

        fetchrow = tx.fetchrow
        assert await claim(_Overheard(tx, forgetful), ORDER, "pay_new") is None  # type: ignore[arg-type]
    assert forgets == 1
    with pytest.raises(KeyBusy):
        await claims(database, ORDER)


class _Overheard:
    """A connection whose `fetchrow` lets something happen first."""

    def __init__(self, _: object, fetchrow: object) -> None:
        self.fetchrow = fetchrow


PARTS = st.tuples(
    st.text(max_size=5), st.text(max_size=5), st.lists(st.text(max_size=5), max_size=3), st.binary(max_size=8)
)


@given(PARTS, PARTS)
def test_two_requests_have_one_fingerprint_only_if_all_their_words_are_the_same(
    one: tuple[str, str, list[str], bytes], other: tuple[str, str, list[str], bytes]
) -> None:
    prints = [fingerprint(method, path, tuple(values), body) for method, path, values, body in (one, other)]
    assert (prints[0] == prints[1]) == (one == other)
    assert len(prints[0]) == 32


def test_words_that_move_from_the_path_into_the_body_are_other_words() -> None:
    moved = [
        fingerprint("POST", "/v1/payments/{id}/cancel", ("pay_1",), b""),
        fingerprint("POST", "/v1/payments/{id}/cancel", (), b"pay_1"),
        fingerprint("POST", "/v1/payments/{id}/cancelpay_1", (), b""),
        fingerprint("POST", "/v1/payments/{id}/cancel", ("pay", "_1"), b""),
    ]
    assert len(set(moved)) == 4
