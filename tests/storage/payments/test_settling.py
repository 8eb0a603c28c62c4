"""What we do with what a provider says."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import permutations

import pytest

from quickkub.connectors.contract import (
    Declined,
    Failure,
    NotSent,
    Paid,
    RawCallback,
    Unknown,
    Waiting,
    unexpected,
)
from quickkub.kernel.money import baht
from quickkub.payments.model import (
    AmountOutOfRange,
    MethodUnavailable,
    PaymentNotCancellable,
    PaymentNotFound,
)
from quickkub.storage import Database
from quickkub.storage.idempotency import KeyBusy, KeyReused
from quickkub.storage.vault import Place
from tests.support.postgres import AS_OWNER
from tests.support.shop import QR, Shop, open_shop, receipt

MINUTE = timedelta(minutes=1)
PRICE = baht(150)


@pytest.fixture
async def shop(database: Database) -> Shop:
    return await open_shop(database)


async def journal_sums(shop: Shop) -> dict[str, int]:
    rows = await shop.rows("SELECT account, sum(amount)::bigint AS total FROM entries GROUP BY account")
    return {row["account"].split(":")[0] + ":" + row["account"].split(":")[-1]: row["total"] for row in rows}


async def event_types(shop: Shop, payment: str) -> list[str]:
    rows = await shop.rows("SELECT type FROM events WHERE object_id = $1 ORDER BY object_version", payment)
    return [row["type"].removeprefix("payment.") for row in rows]


async def test_a_payment_shows_a_qr_and_books_nothing_yet(shop: Shop) -> None:
    payment = await shop.charges(PRICE)
    assert payment["status"] == "requires_action"
    assert payment["next_action"] == {"type": "display_qr", "qr_payload": QR}
    assert await shop.counts("journals") == 0
    assert await event_types(shop, payment["id"]) == ["created", "requires_action"]


async def test_money_is_booked_once_however_often_it_is_told(shop: Shop) -> None:
    payment = await shop.charges(PRICE)
    reference = (await shop.sees(payment["id"]))["attempts"][0]["reference"]
    shop.bank.usual_inquiry = Paid((receipt(PRICE),))
    for _ in range(3):
        await shop.is_told({"id": "T1", "ref": reference, "amount": "150"})
        await shop.works()
        await shop.time_passes(MINUTE * 5)
    await shop.works()
    seen = await shop.sees(payment["id"])
    assert seen["status"] == "succeeded" and seen["captured_amount"] == 15_000
    assert await journal_sums(shop) == {"provider:receivable": 15_000, "merchant:payable": -15_000}
    assert await event_types(shop, payment["id"]) == ["created", "requires_action", "succeeded"]
    assert await shop.counts("evidence") == 2, "what was said before is not kept again"
    assert [row["times_seen"] for row in await shop.rows("SELECT times_seen FROM inbox")] == [3]


async def test_an_answer_nobody_expects_is_unknown_and_a_case_at_once(shop: Shop) -> None:
    """A state that no manual names: asking goes on, and a person reads the provider's word today."""
    odd = unexpected("the bank names the state 'TELEPORTED', which we do not know")
    shop.bank.to_create.extend([odd] * 4)
    shop.bank.usual_inquiry = odd
    payment = await shop.charges(PRICE)
    for _ in range(3):
        await shop.time_passes(MINUTE)
        await shop.works()
    assert payment["status"] == (await shop.sees(payment["id"]))["status"] == "processing"
    (case,) = await shop.rows("SELECT kind, details FROM cases")
    assert (case["kind"], case["details"]["alert"]) == ("provider_alert", odd.cause)


async def test_an_unexpected_answer_to_a_capture_is_a_case_at_once(shop: Shop) -> None:
    odd = unexpected("the bank captured another amount than we asked")
    payment = await shop.charges(PRICE, method="linepay", capture_later=True)
    shop.bank.to_instruct.append(odd)
    assert (await shop.captures(payment["id"]))["capturing_amount"] == PRICE.minor
    (case,) = await shop.rows("SELECT kind, details FROM cases")
    assert (case["kind"], case["details"]["alert"]) == ("provider_alert", odd.cause)


async def test_an_inquiry_that_is_itself_refused_proves_nothing_about_the_payment(shop: Shop) -> None:
    payment = await shop.charges(PRICE)
    shop.bank.usual_inquiry = Declined(Failure.PROVIDER_MISCONFIGURED, "9500", "the key was changed")
    await shop.time_passes(MINUTE)
    await shop.works()
    assert (await shop.sees(payment["id"]))["status"] == "requires_action"


async def test_one_transaction_told_for_two_payments_is_booked_once_and_shown_to_a_person(shop: Shop) -> None:
    first = await shop.charges(PRICE)
    second = await shop.charges(PRICE)
    shop.bank.usual_inquiry = Paid((receipt(PRICE, "T1"),))
    for _ in range(2):
        await shop.time_passes(MINUTE)
        await shop.works()
    ends = sorted([(await shop.sees(one["id"]))["status"] for one in (first, second)])
    assert ends == ["requires_action", "succeeded"]
    assert await journal_sums(shop) == {"provider:receivable": 15_000, "merchant:payable": -15_000}
    assert [r["kind"] for r in await shop.rows("SELECT kind FROM cases")] == ["transaction_told_twice"]


async def test_a_worker_does_not_wait_for_a_callback_another_holds(shop: Shop) -> None:
    for transaction in ("T1", "T2"):
        await shop.is_told({"id": transaction, "ref": "NOBODYS", "amount": "150"})
    async with shop.db.transaction() as other:
        held = await other.fetchval("SELECT id FROM inbox ORDER BY due_at LIMIT 1 FOR UPDATE")
        claimed = await shop.payments.claim_callbacks(10)
    assert len(claimed) == 1 and claimed[0].id != held


async def test_a_worker_does_not_wait_for_what_another_holds(shop: Shop) -> None:
    for _ in range(2):
        await shop.charges(PRICE)
    await shop.time_passes(MINUTE)
    async with shop.db.transaction() as other:
        held = await other.fetchval("SELECT id FROM attempts ORDER BY id LIMIT 1 FOR UPDATE")
        claimed = await shop.payments.claim_attempts(10)
    assert len(claimed) == 1 and claimed[0].id != held
    assert await shop.payments.claim_attempts(10) != claimed


async def test_a_lost_answer_is_unknown_until_the_repeat_with_the_same_reference(shop: Shop) -> None:
    shop.bank.to_create.append(Unknown("the line was cut"))
    payment = await shop.charges(PRICE)
    assert payment["status"] == "processing" and payment["next_action"] is None
    await shop.time_passes(MINUTE)
    await shop.works()
    assert (await shop.sees(payment["id"]))["status"] == "requires_action"
    assert len(shop.bank.created) == 2 and len(set(shop.bank.created)) == 1


async def test_an_unknown_payment_does_not_expire_before_the_provider_says_it_is_unpaid(shop: Shop) -> None:
    shop.bank.to_create.append(Unknown("the line was cut"))
    shop.bank.usual_inquiry = Unknown("still down")
    payment = await shop.charges(PRICE)
    await shop.time_passes(MINUTE * 20)
    await shop.works()
    assert (await shop.sees(payment["id"]))["status"] == "processing"
    shop.bank.usual_inquiry = Waiting()
    await shop.time_passes(MINUTE * 20)
    await shop.works()
    assert (await shop.sees(payment["id"]))["status"] == "expired"


async def test_a_decline_fails_the_payment_with_the_providers_code_kept(shop: Shop) -> None:
    shop.bank.to_create.append(Declined(Failure.LIMIT_EXCEEDED, "E77", "too much"))
    payment = await shop.charges(PRICE)
    assert payment["status"] == "failed" and payment["failure"]["code"] == "limit_exceeded"
    assert (await shop.rows("SELECT provider_code FROM attempts"))[0]["provider_code"] == "E77"


async def test_what_the_provider_lets_expire_is_expired_and_not_failed(shop: Shop) -> None:
    payment = await shop.charges(PRICE)
    shop.bank.usual_inquiry = Declined(Failure.EXPIRED, "5", "the link has expired")
    await shop.time_passes(MINUTE)
    await shop.works()
    assert (await shop.sees(payment["id"]))["status"] == "expired"


async def test_what_was_never_sent_fails_at_once_but_only_on_the_first_send(shop: Shop) -> None:
    shop.bank.to_create.append(NotSent("connection refused"))
    assert (await shop.charges(PRICE))["status"] == "failed"
    shop.bank.to_create.extend([Unknown("the line was cut"), NotSent("connection refused")])
    payment = await shop.charges(PRICE)
    await shop.time_passes(timedelta(seconds=3))
    await shop.works()
    assert (await shop.sees(payment["id"]))["status"] == "processing"


async def test_late_money_wins_over_expired(shop: Shop) -> None:
    payment = await shop.charges(PRICE)
    await shop.time_passes(MINUTE * 16)
    await shop.works()
    assert (await shop.sees(payment["id"]))["status"] == "expired"
    shop.bank.usual_inquiry = Paid((receipt(PRICE),))
    await shop.time_passes(MINUTE)
    await shop.works()
    assert (await shop.sees(payment["id"]))["status"] == "succeeded"
    assert await event_types(shop, payment["id"]) == ["created", "requires_action", "expired", "succeeded"]


async def test_late_money_wins_over_cancelled(shop: Shop) -> None:
    payment = await shop.charges(PRICE)
    assert (await shop.cancels(payment["id"]))["status"] == "cancelled"
    shop.bank.usual_inquiry = Paid((receipt(PRICE),))
    await shop.time_passes(MINUTE)
    await shop.works()
    assert (await shop.sees(payment["id"]))["status"] == "succeeded"


async def test_a_second_payment_of_the_same_qr_is_put_aside_with_a_case(shop: Shop) -> None:
    payment = await shop.charges(PRICE)
    shop.bank.usual_inquiry = Paid((receipt(PRICE, "T1"), receipt(PRICE, "T2")))
    await shop.time_passes(MINUTE)
    await shop.works()
    assert await journal_sums(shop) == {
        "provider:receivable": 30_000,
        "merchant:payable": -15_000,
        "merchant:unapplied": -15_000,
    }
    assert [row["kind"] for row in await shop.rows("SELECT kind FROM cases")] == ["paid_again"]
    assert (await event_types(shop, payment["id"]))[-2:] == ["succeeded", "overpaid"]


async def test_an_odd_amount_that_is_told_once_only_is_not_believed(shop: Shop) -> None:
    """What is booked stays booked: a bank that misspeaks once must not part our books from its own."""
    payment = await shop.charges(PRICE)
    shop.bank.to_inquire.append(Paid((receipt(baht(1)),)))
    shop.bank.usual_inquiry = Paid((receipt(PRICE),))
    for _ in range(2):
        await shop.time_passes(MINUTE)
        await shop.works()
    assert (await shop.sees(payment["id"]))["status"] == "succeeded"
    assert await journal_sums(shop) == {"provider:receivable": 15_000, "merchant:payable": -15_000}
    assert await shop.counts("cases") == 0


async def test_too_little_money_is_put_aside_and_the_payment_stays_open(shop: Shop) -> None:
    payment = await shop.charges(PRICE)
    shop.bank.usual_inquiry = Paid((receipt(baht(149)),))
    for _ in range(2):
        await shop.time_passes(MINUTE)
        await shop.works()
    assert (await shop.sees(payment["id"]))["status"] == "requires_action"
    assert await journal_sums(shop) == {"provider:receivable": 14_900, "merchant:unapplied": -14_900}
    assert [row["kind"] for row in await shop.rows("SELECT kind FROM cases")] == ["amount_mismatch"]


async def test_the_order_of_news_never_changes_where_a_payment_ends(database: Database) -> None:
    ends = set()
    for order in permutations(["callback", "inquiry", "expiry", "repeat"]):
        shop = await open_shop(database)
        payment = await shop.charges(PRICE)
        reference = (await shop.sees(payment["id"]))["attempts"][0]["reference"]
        shop.bank.usual_inquiry = Paid((receipt(PRICE, reference),))
        for step in order:
            if step in ("callback", "repeat"):
                await shop.is_told({"id": reference, "ref": reference, "amount": "150"})
            elif step == "expiry":
                await shop.time_passes(MINUTE * 16)
            else:
                await shop.works()
        await shop.works()
        seen = await shop.sees(payment["id"])
        ends.add((seen["status"], seen["captured_amount"]))
        rows = await shop.rows("SELECT count(*) FROM journals WHERE merchant_id = $1", shop.merchant)
        assert rows[0]["count"] == 1, order
    assert ends == {("succeeded", 15_000)}


async def test_a_callback_with_a_wrong_amount_is_quarantined_with_a_case(shop: Shop) -> None:
    payment = await shop.charges(PRICE)
    reference = (await shop.sees(payment["id"]))["attempts"][0]["reference"]
    answer = await shop.is_told({"id": "T9", "ref": reference, "amount": "1.00"})
    await shop.works()
    assert answer.status == 200
    assert (await shop.sees(payment["id"]))["status"] == "requires_action"
    assert [row["state"] for row in await shop.rows("SELECT state FROM inbox")] == ["quarantined"]
    assert [r["kind"] for r in await shop.rows("SELECT kind FROM cases")] == ["callback_amount_mismatch"]
    assert await shop.counts("journals") == 0


async def test_a_callback_nobody_can_confirm_ends_as_a_case_and_books_nothing(shop: Shop) -> None:
    payment = await shop.charges(PRICE, expires_in_seconds=86_400)
    reference = (await shop.sees(payment["id"]))["attempts"][0]["reference"]
    await shop.is_told({"id": "T9", "ref": reference, "amount": "150"})
    for _ in range(9):
        await shop.works()
        await shop.time_passes(timedelta(hours=1))
    assert [r["kind"] for r in await shop.rows("SELECT kind FROM cases")] == ["callback_unconfirmed"]
    assert await shop.counts("journals") == 0


async def test_the_worker_reads_a_callback_exactly_as_it_came(shop: Shop) -> None:
    payment = await shop.charges(PRICE)
    reference = (await shop.sees(payment["id"]))["attempts"][0]["reference"]
    body = json.dumps({"id": "T1", "ref": reference, "amount": "150"}).encode()
    came = RawCallback("GET", {"x-signed": "yes"}, {"sign": "b+/="}, body)
    await shop.payments.keep_callback("madeup", shop.token, came)
    await shop.works()
    assert shop.bank.heard[0] == shop.bank.heard[-1] == came


async def test_a_callback_for_an_unknown_reference_is_kept_answered_and_a_case(shop: Shop) -> None:
    answer = await shop.is_told({"id": "T9", "ref": "NOBODYS", "amount": "150"})
    await shop.works()
    assert answer.body == b'{"ok":true}'
    assert [r["kind"] for r in await shop.rows("SELECT kind FROM cases")] == ["unknown_reference"]


@pytest.mark.parametrize(("body", "headers"), [(b'{"id": "T1", "re', {}), (b"{}", {"x-forged": "1"})])
async def test_a_truncated_or_forged_callback_is_refused_and_kept(
    shop: Shop, body: bytes, headers: dict[str, str]
) -> None:
    with pytest.raises(Exception, match="made-up"):
        await shop.is_told(body, **headers)
    (kept,) = await shop.rows("SELECT id, body FROM refused_callbacks")
    assert body not in kept["body"] or len(body) < 8
    place = Place("refused_callbacks", "body", shop.merchant, kept["id"])
    assert shop.vault.open(kept["body"], place) == body
    assert await shop.counts("inbox") == 0


async def test_a_callback_to_an_address_nobody_was_given_is_refused_and_kept(shop: Shop) -> None:
    shop.token = shop.token[:-4] + "AAAA"
    with pytest.raises(Exception, match="nobody was given"):
        await shop.is_told({"id": "T1", "ref": "X", "amount": "1"})
    assert await shop.counts("refused_callbacks") == 1


async def test_the_same_key_gives_the_same_bytes_and_one_payment(shop: Shop) -> None:
    first = await shop.asks(PRICE, "order-1042")
    again = await shop.asks(PRICE, "order-1042")
    assert again.replayed and again.body == first.body
    assert await shop.counts("payments") == 1
    with pytest.raises(KeyReused):
        await shop.asks(baht(151), "order-1042")


async def test_a_repeat_is_answered_as_before_even_when_the_account_is_gone_since(shop: Shop) -> None:
    first = await shop.asks(PRICE, "order-7")
    async with shop.db.transaction() as tx:
        await tx.execute("UPDATE provider_accounts SET enabled = false")
    assert (await shop.asks(PRICE, "order-7")).body == first.body


async def test_a_key_left_by_a_crash_is_busy_and_then_answers_with_the_payment_as_it_stands(
    shop: Shop,
) -> None:
    first = await shop.charges(PRICE, "order-1")
    async with shop.db.transaction() as tx:
        await tx.execute("UPDATE idempotency_keys SET status = NULL, answer = NULL")
    with pytest.raises(KeyBusy):
        await shop.asks(PRICE, "order-1")
    await shop.time_passes(MINUTE)
    assert (await shop.charges(PRICE, "order-1"))["id"] == first["id"]
    assert await shop.counts("payments") == 1


async def test_refusals_leave_nothing_written(shop: Shop) -> None:
    with pytest.raises(AmountOutOfRange):
        await shop.asks(baht(99_999_999))
    with pytest.raises(MethodUnavailable):
        await shop.asks(PRICE, method="alipay")
    assert await shop.counts("payments") == 0 and await shop.counts("idempotency_keys") == 0


async def test_a_payment_that_is_over_or_not_ours_cannot_be_cancelled(shop: Shop) -> None:
    payment = await shop.charges(PRICE)
    await shop.cancels(payment["id"], "cancel-1")
    assert (await shop.cancels(payment["id"], "cancel-1"))["status"] == "cancelled"
    with pytest.raises(PaymentNotCancellable):
        await shop.cancels(payment["id"], "cancel-2")
    with pytest.raises(PaymentNotFound):
        await shop.cancels("pay_" + "0" * 32)


async def test_an_attempt_cut_off_by_a_crash_is_taken_up_again_and_its_key_waits_for_that(shop: Shop) -> None:
    payment = await shop.charges(PRICE, "order-1")
    async with shop.db.transaction() as tx:
        await tx.execute(AS_OWNER)
        await tx.execute("ALTER TABLE payments DISABLE TRIGGER USER")
        await tx.execute("ALTER TABLE attempts DISABLE TRIGGER USER")
        await tx.execute("UPDATE payments SET state = 'created'")
        await tx.execute("UPDATE attempts SET state = 'created', next_action = NULL")
        await tx.execute("UPDATE idempotency_keys SET status = NULL, answer = NULL")
    await shop.time_passes(MINUTE)
    with pytest.raises(KeyBusy):
        await shop.asks(PRICE, "order-1")
    await shop.works()
    assert (await shop.charges(PRICE, "order-1"))["next_action"]["qr_payload"] == QR
    assert (await shop.sees(payment["id"]))["status"] == "requires_action"


async def test_what_a_connector_thinks_a_person_should_see_is_one_case(shop: Shop) -> None:
    await shop.charges(PRICE)
    shop.bank.usual_inquiry = Waiting(alert="the bank took back T7")
    for _ in range(3):
        await shop.time_passes(MINUTE * 2)
        await shop.works()
    assert [r["details"]["alert"] for r in await shop.rows("SELECT details FROM cases")] == [
        "the bank took back T7"
    ]
