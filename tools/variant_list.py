"""QuickKub, broken on purpose: each variant takes one guard away, and names the test that has to notice.

A guard that no test misses is a guard that somebody will remove while tidying up. To add a variant, name the
texts to change and the test; `python -m tools.variants --variant NAME` tries it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

Change = tuple[str, str, str]
"""A file, a text that stands in it exactly once, and what stands there in the variant."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way of being wrong: `says` what is broken; `caught_by` is the test, or a case of it, that fails."""

    name: str
    says: str
    changes: tuple[Change, ...]
    caught_by: str


_PAYMENTS: Final = "src/quickkub/payments"
_MIGRATIONS: Final = "src/quickkub/storage/migrations/versions"
_FIRST_TABLES: Final = f"{_MIGRATIONS}/20261123T0900_pre_first_tables.sql"
_MONEY_ENGINE: Final = f"{_MIGRATIONS}/20261125T1100_pre_money_engine.sql"

_BUG_CLASSES: Final = "tests/storage/payments/test_bug_classes.py"
_SETTLING: Final = "tests/storage/payments/test_settling.py"
_CAPTURING: Final = "tests/storage/payments/test_capturing.py"
_REFUNDING: Final = "tests/storage/refunds/test_refunding.py"
_ROW_SECURITY: Final = "tests/storage/test_row_security.py"
_RACE: Final = "tests/storms/test_races.py::test_whoever_comes_first_the_money_is_right"

# The eight of security-reliability section 4, "test the tests".
_LISTED: Final = (
    Variant(
        "no-lock",
        "News about a payment is taken in without locking the payment",
        ((f"{_PAYMENTS}/desk.py", "a.id = $2 FOR UPDATE OF p, a", "a.id = $2"),),
        f"{_BUG_CLASSES}::test_news_about_a_payment_waits_until_its_holder_has_committed",
    ),
    Variant(
        "no-unique-index",
        "Two attempts of one payment may both count as its success (P5)",
        (
            (
                _FIRST_TABLES,
                "CREATE UNIQUE INDEX attempts_one_success",
                "CREATE INDEX attempts_one_success",
            ),
        ),
        "tests/storage/test_schema_guards.py::test_at_most_one_attempt_is_a_payment_s_success",
    ),
    Variant(
        "call-before-write",
        "The provider is called before the intent is written down",
        (
            (
                f"{_PAYMENTS}/ask.py",
                "    said = await _say(",
                "    blank = _blank_payment(office, payment_id, asked, once)\n"
                "    order = order_for(office, _blank_attempt(blank, planned.first), blank)\n"
                "    await call(office, planned.first.account, order)\n"
                "    said = await _say(",
            ),
        ),
        f"{_BUG_CLASSES}::test_the_intent_stands_in_the_database_before_a_provider_is_called",
    ),
    Variant(
        "timeout-is-failed",
        "An answer that never comes is taken for a request that never left (P9)",
        (
            (
                "src/quickkub/connectors/transport.py",
                "return Unknown(lost.cause) if lost.sent or acted else NotSent(lost.cause)",
                "return NotSent(lost.cause)",
            ),
        ),
        "tests/contract/test_line.py::test_an_answer_that_never_comes_is_unknown",
    ),
    Variant(
        "new-reference-on-retry",
        "Asking again after a lost answer uses a new reference (P10)",
        (
            (
                f"{_PAYMENTS}/sweep.py",
                "        return await call(office, account, order), ",
                '        order = replace(order, reference=new_id("x")[-20:].upper())\n'
                "        return await call(office, account, order), ",
            ),
            (
                f"{_PAYMENTS}/sweep.py",
                "from typing import Final\n",
                "from dataclasses import replace\nfrom typing import Final\n",
            ),
        ),
        f"{_SETTLING}::test_a_lost_answer_is_unknown_until_the_repeat_with_the_same_reference",
    ),
    Variant(
        "event-outside-the-transaction",
        "A payment moves in one transaction, and its event is written in the next (E1)",
        (
            (f"{_PAYMENTS}/store.py", "$19::jsonb FROM moved\n", "$19::jsonb FROM moved WHERE false\n"),
            (
                f"{_PAYMENTS}/store.py",
                "    assert version == after.version, ",
                '    await tx.execute("COMMIT AND CHAIN")\n'
                "    await emit(tx, event)\n"
                "    assert version == after.version, ",
            ),
            (f"{_PAYMENTS}/store.py", "import DELIVERIES, Event\n", "import DELIVERIES, Event, emit\n"),
        ),
        f"{_BUG_CLASSES}::test_a_change_whose_event_cannot_be_written_does_not_happen",
    ),
    Variant(
        "cursor-by-id-alone",
        "A reader of events asks for `id > last` and skips what commits late (E5)",
        (
            (
                "src/quickkub/webhooks/event_store.py",
                "AND id > $4 AND id < $5",
                "AND id > $4 AND $5::text IS NOT NULL",
            ),
        ),
        "tests/storage/test_late_commits.py"
        "::test_what_was_begun_earlier_and_committed_later_is_not_skipped_by_a_reader",
    ),
    Variant(
        "no-fencing-token",
        "A worker that lost its lease can still put a callback away (D6)",
        (
            (
                f"{_PAYMENTS}/inbox_store.py",
                "SET state = $4, due_at = NULL, lease_until = NULL, tries = tries + 1\n"
                "         WHERE merchant_id = $1 AND id = $2 AND lease_token = $3\n",
                "SET state = $4, due_at = NULL, lease_until = NULL, tries = tries + 1\n"
                "         WHERE merchant_id = $1 AND id = $2 AND $3::bigint > 0\n",
            ),
        ),
        f"{_BUG_CLASSES}::test_a_worker_that_lost_its_lease_cannot_finish_the_job",
    ),
)

_WHAT_IS_BELIEVED: Final = (
    Variant(
        "unsigned-callback-accepted",
        "A callback without a signature is taken although the account has a secret",
        (
            (
                "src/quickkub/connectors/providers/omise/callbacks.py",
                "    if not secret:\n        return\n    stamp",
                "    if not secret or not raw.headers.get(SIGNATURE):\n        return\n    stamp",
            ),
        ),
        "tests/contract/test_vectors.py"
        "::test_connector_refuses_a_callback_as_the_vector_says[omise-signature-missing]",
    ),
    Variant(
        "callback-believed",
        "A callback of a provider that does not sign is believed without asking the provider",
        (
            (
                f"{_PAYMENTS}/callback_work.py",
                "if trusted and desk.news.receipt is not None:",
                "if desk.news.receipt is not None:",
            ),
        ),
        f"{_SETTLING}::test_a_callback_nobody_can_confirm_ends_as_a_case_and_books_nothing",
    ),
    Variant(
        "amount-not-compared",
        "Whatever came in counts as the asked amount (P12)",
        (
            (
                f"{_PAYMENTS}/money_in.py",
                "    if not -tolerance.under <= difference <= tolerance.over:\n",
                "    if difference == 0 and tolerance.under < 0:\n",
            ),
        ),
        f"{_SETTLING}::test_too_little_money_is_put_aside_and_the_payment_stays_open",
    ),
    Variant(
        "late-success-dropped",
        "Money that comes after a payment has ended is dropped (P6)",
        (
            (
                f"{_PAYMENTS}/money_in.py",
                "    known = await proof_store.known_transactions(desk.tx, desk.attempt)\n",
                "    if desk.payment.state in (PaymentState.EXPIRED, PaymentState.CANCELLED):\n"
                "        return\n"
                "    known = await proof_store.known_transactions(desk.tx, desk.attempt)\n",
            ),
        ),
        f"{_SETTLING}::test_late_money_wins_over_expired",
    ),
    Variant(
        "orphan-dropped",
        "Money for a reference nobody gave out is put away without a booking (P6)",
        (
            (
                f"{_PAYMENTS}/callback_work.py",
                "    found = await orphans.take(",
                "    if desk.news.receipt is not None:\n"
                "        await _finish(desk)\n"
                "        return\n"
                "    found = await orphans.take(",
            ),
        ),
        "tests/storage/refunds/test_nobodys_money.py"
        "::test_money_for_a_reference_we_never_gave_out_is_booked_as_nobody_s",
    ),
    Variant(
        "decline-un-pays",
        "A decline that arrives after the success takes the payment back (P11)",
        (
            (
                f"{_PAYMENTS}/states.py",
                "        (P.CREATED, F.HELD): P.AUTHORIZED,\n",
                "        (P.SUCCEEDED, F.DECLINED): P.FAILED,\n        (P.CREATED, F.HELD): P.AUTHORIZED,\n",
            ),
            (
                f"{_PAYMENTS}/states.py",
                "        (A.CREATED, F.HELD): A.AUTHORIZED,\n",
                "        (A.SUCCEEDED, F.DECLINED): A.FAILED,\n        (A.CREATED, F.HELD): A.AUTHORIZED,\n",
            ),
        ),
        f"{_BUG_CLASSES}::test_a_decline_after_a_success_changes_nothing",
    ),
    Variant(
        "time-ends-what-nobody-can-tell",
        "A payment expires although nobody knows whether it was paid (P9)",
        (
            (
                f"{_PAYMENTS}/sweep.py",
                "    if attempt.state in UNSURE or not may_end(payment, attempt, Fact.TIME_UP):\n",
                "    if not may_end(payment, attempt, Fact.TIME_UP):\n",
            ),
        ),
        f"{_BUG_CLASSES}::test_a_paid_order_is_never_shown_as_timed_out",
    ),
    Variant(
        "refused-inquiry-fails-the-payment",
        "A provider that refuses our inquiry, for a key that was changed, fails the payment",
        (
            (
                f"{_PAYMENTS}/settle.py",
                '    if declined.failure in ABOUT_THE_REQUEST and desk.kind != "answer":\n',
                '    if desk.kind == "never":\n',
            ),
        ),
        f"{_SETTLING}::test_an_inquiry_that_is_itself_refused_proves_nothing_about_the_payment",
    ),
)

_COUNTERS: Final = (
    Variant(
        "refund-counter-not-guarded",
        "A refund looks at what is left, then takes it, and no table holds the limit (P3)",
        (
            (
                f"{_PAYMENTS}/store.py",
                "           AND $4 <= captured_amount - refunded_amount - refunding_amount - disputed_amount",
                "",
            ),
            (
                _MONEY_ENGINE,
                " AND refunded_amount + refunding_amount <= captured_amount),",
                "),",
            ),
        ),
        f"{_REFUNDING}::test_concurrent_refunds_over_the_captured_amount_are_refused",
    ),
    Variant(
        "capture-counter-not-guarded",
        "A capture looks at what is held, then takes it, and no table holds the limit (P1, P2)",
        (
            (
                f"{_PAYMENTS}/store.py",
                "           AND $4 <= authorized_amount - captured_amount - capturing_amount\n",
                "",
            ),
            (
                _MONEY_ENGINE,
                " AND captured_amount + capturing_amount <= amount),",
                "),",
            ),
            (
                _MONEY_ENGINE,
                "(NOT capture_later OR captured_amount + capturing_amount <= authorized_amount),",
                "(capturing_amount >= 0),",
            ),
        ),
        f"{_RACE}[part/part]",
    ),
    Variant(
        "unknown-frees-the-refund",
        "A refund whose answer was lost may be asked for once more (P3)",
        (
            (
                f"{_PAYMENTS}/instructions/settle.py",
                "            after = await _cannot_tell(desk, told, unknown.provider_reference)\n",
                '            lost = Declined(Failure.PROVIDER_UNAVAILABLE, "", unknown.cause)\n'
                "            after = await effects.refuse(desk, told, lost)\n",
            ),
        ),
        f"{_REFUNDING}::test_a_refund_whose_answer_is_lost_stays_set_aside_and_is_settled_by_asking",
    ),
    Variant(
        "refund-told-twice",
        "After a crash the worker tells the provider to refund again, instead of asking (P10)",
        (
            (
                f"{_PAYMENTS}/instructions/sweep.py",
                '        heard, kind = await ask(office, told), "inquiry"\n',
                '        heard, kind = await tell(office, told), "inquiry"\n',
            ),
        ),
        f"{_REFUNDING}::test_a_refund_cut_off_between_its_transactions_is_asked_about_and_never_told_twice",
    ),
    Variant(
        "void-leaves-the-hold-open",
        "While held money is being let go, it can still be captured",
        (
            (
                f"{_PAYMENTS}/store.py",
                "UPDATE payments SET hold_open = false, updated_at = now()",
                "UPDATE payments SET updated_at = now()",
            ),
        ),
        f"{_CAPTURING}"
        "::test_while_a_void_is_under_way_nothing_is_captured_and_its_refusal_opens_the_hold_again",
    ),
    Variant(
        "success-without-books",
        "A payment succeeds and nothing is booked (P7)",
        (
            (
                f"{_PAYMENTS}/money_in.py",
                "    await books.book_receipt(desk.tx, desk.attempt, receipt_id, receipt, own=share.own)\n",
                "",
            ),
        ),
        f"{_SETTLING}::test_money_is_booked_once_however_often_it_is_told",
    ),
)

_WHO_AND_WHEN: Final = (
    Variant(
        "key-not-claimed-with-the-intent",
        "The payment is written whether or not its idempotency key was free (I1)",
        (
            (
                f"{_PAYMENTS}/say_store.py",
                "      FROM claimed\n    RETURNING",
                "      FROM (SELECT 1) AS anybody\n    RETURNING",
            ),
            (
                f"{_PAYMENTS}/say_store.py",
                "      FROM claimed\n), event",
                "      FROM (SELECT 1) AS anybody\n), event",
            ),
        ),
        f"{_BUG_CLASSES}::test_the_same_key_at_the_same_moment_makes_one_payment",
    ),
    Variant(
        "late-answer-undoes",
        "A provider's first answer is taken in whatever has happened to the payment meanwhile (P11)",
        (
            (f"{_PAYMENTS}/at_once.py", "a.id = $3 AND a.state = 'created'", "a.id = $3"),
            (f"{_PAYMENTS}/at_once.py", "p.version = $4 AND p.state = 'created'", "$4 > 0"),
        ),
        "tests/storage/payments/test_at_once.py::test_money_that_came_before_the_answer_is_not_undone_by_it",
    ),
    Variant(
        "call-inside-a-transaction",
        "A provider may be called while a transaction holds locks (D4)",
        (
            (
                "src/quickkub/connectors/transport.py",
                "        if in_transaction():\n",
                "        if in_transaction() and account is None:\n",
            ),
        ),
        "tests/contract/test_line.py::test_nobody_is_called_while_a_transaction_is_open",
    ),
    Variant(
        "anybody-s-payment",
        "A payment is found by its id alone, whoever asks (A3)",
        (
            (
                f"{_PAYMENTS}/store.py",
                'FROM payments WHERE merchant_id = $1 AND mode = $2 AND id = $3"',
                "FROM payments WHERE $1::text > '' AND $2::text > '' AND id = $3\"",
            ),
        ),
        # Over HTTP the row's policy hides what the query would find; this test looks where it does not.
        f"{_ROW_SECURITY}::test_the_query_filter_holds_by_itself_where_all_rows_are_seen",
    ),
    Variant(
        "row-security-off",
        "A query without its merchant finds everybody's rows, because no policy hides them (A3)",
        (
            (
                f"{_MIGRATIONS}/20261125T1590_pre_row_security.sql",
                "OR %I = current_setting(''quickkub.scope'', true))'",
                "OR %I IS NOT NULL)'",
            ),
        ),
        f"{_ROW_SECURITY}::test_a_query_that_forgot_its_merchant_finds_nobody_elses_rows",
    ),
)

VARIANTS: Final = (*_LISTED, *_WHAT_IS_BELIEVED, *_COUNTERS, *_WHO_AND_WHEN)
