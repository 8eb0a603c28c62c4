"""Records go on their day and not before it, and never while a hold stands."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from quickkub.connectors.contract import Action, ActionKind, Waiting
from quickkub.kernel.ids import new_id
from quickkub.privacy import holds
from quickkub.privacy.erase import erase
from quickkub.privacy.office import UnderLegalHold
from quickkub.privacy.periods import Kind
from quickkub.privacy.retention import run_all, run_kind
from quickkub.privacy.retention_rules import RULES
from tests.storage.privacy.counter import MALEE, MALEE_WRITTEN, SOMCHAI, Counter, asked
from tests.storage.privacy.dump import everything, naming
from tests.support.rows import insert
from tests.support.shop import VAULT

TRANSCRIPTS = "SELECT count(*) FROM evidence WHERE outcome = 'slip' AND length(transcript) > 92"


async def transcripts(counter: Counter) -> int:
    return int((await counter.shop.rows(TRANSCRIPTS))[0]["count"])


async def grow_old(pool: asyncpg.Pool[Any], sql: str, *values: Any) -> None:
    """Move a row's time where no session may: as the owner, with the guards off."""
    async with pool.acquire() as owner, owner.transaction():
        await owner.execute("SET LOCAL session_replication_role = replica; SET LOCAL quickkub.scope = house")
        await owner.execute(sql, *values)


async def test_a_providers_words_stay_to_their_last_day_and_go_on_the_next(counter: Counter) -> None:
    payment = (await counter.sells(MALEE))["id"]
    await counter.is_shown_a_slip(MALEE, payment, days_ago=179)
    await run_kind(counter.office, Kind.PROVIDER_BODIES)
    assert await transcripts(counter) == 1
    await counter.is_shown_a_slip(MALEE, payment, days_ago=181)
    done = await run_kind(counter.office, Kind.PROVIDER_BODIES)
    assert (done["evidence.transcript"], done["slips.answer"]) == ({"gone": 1, "held": 0},) * 2
    assert await transcripts(counter) == 1


async def test_the_boundary_is_to_the_second(counter: Counter, pool: asyncpg.Pool[Any]) -> None:
    payment = (await counter.sells(MALEE))["id"]
    for seconds in (-60, 60):
        evidence = await counter.is_shown_a_slip(MALEE, payment)
        age = "now() - interval '180 days' + make_interval(secs => $2)"
        await grow_old(pool, f"UPDATE evidence SET received_at = {age} WHERE id = $1", evidence, seconds)
    done = await run_kind(counter.office, Kind.PROVIDER_BODIES)
    assert done["evidence.transcript"] == {"gone": 1, "held": 0}


async def test_an_event_keeps_that_it_was_told_and_loses_what_it_told(
    counter: Counter, pool: asyncpg.Pool[Any]
) -> None:
    payment = (await counter.sells(MALEE))["id"]
    await grow_old(
        pool, "UPDATE events SET created_at = now() - interval '91 days' WHERE object_id = $1", payment
    )
    events = await counter.shop.counts("events")
    done = await run_kind(counter.office, Kind.WEBHOOK_BODIES)
    assert done["events.data"]["gone"] == events == await counter.shop.counts("events")
    (row, *_) = await counter.shop.rows("SELECT data FROM events")
    assert row["data"] == {"object": {"id": payment, "object": "payment", "forgotten": True}}


async def test_a_form_goes_when_its_payment_has_long_ended(counter: Counter, pool: asyncpg.Pool[Any]) -> None:
    shop = counter.shop
    for key in ("ended", "open"):
        form = Action(ActionKind.FORM_POST, "https://forms.example/v1", fields={"name": MALEE.name})
        shop.bank.to_create.append(Waiting(form))
        payment = await counter.sells(MALEE, paid=False, key=key)
        if key == "ended":
            await shop.cancels(payment["id"])
    await grow_old(pool, "UPDATE attempts SET created_at = now() - interval '181 days'")
    done = await run_kind(counter.office, Kind.PROVIDER_BODIES)
    assert done["attempts.form_fields"] == {"gone": 1, "held": 0}
    (left,) = await shop.rows("SELECT payment_id FROM attempts WHERE form_fields IS NOT NULL")
    assert left["payment_id"] == payment["id"]


async def test_a_payment_of_ten_years_ago_is_still_there_without_its_words(
    counter: Counter, pool: asyncpg.Pool[Any]
) -> None:
    old, young = (await counter.sells(MALEE))["id"], (await counter.sells(SOMCHAI))["id"]
    await grow_old(pool, "UPDATE payments SET created_at = now() - interval '3651 days' WHERE id = $1", old)
    books = await counter.shop.rows("SELECT account, sum(amount) FROM entries GROUP BY 1 ORDER BY 1")
    await run_kind(counter.office, Kind.PAYMENTS)
    rows = await counter.shop.rows("SELECT id, payer, metadata, amount, state FROM payments ORDER BY id")
    assert [(row["id"], row["payer"] is None, row["amount"], row["state"]) for row in rows] == [
        (old, True, 15_000, "succeeded"),
        (young, False, 15_000, "succeeded"),
    ]
    assert await counter.shop.rows("SELECT account, sum(amount) FROM entries GROUP BY 1 ORDER BY 1") == books


async def test_a_merchants_papers_go_ten_years_after_it_closed(
    counter: Counter, pool: asyncpg.Pool[Any]
) -> None:
    merchant = counter.shop.merchant
    async with counter.office.db.transaction() as tx:
        await insert(
            tx,
            "kyc_applications",
            merchant_id=merchant,
            id=new_id("kyc"),
            data=b"sealed",
            submitted_by="usr_1",
        )
    await grow_old(
        pool,
        "UPDATE merchants SET state_changed_at = now() - interval '3651 days' WHERE id = $1",
        merchant,
    )
    assert (await run_kind(counter.office, Kind.MERCHANT_CHECKS))["kyc_applications"]["gone"] == 0
    await grow_old(pool, "UPDATE merchants SET state = 'inactive' WHERE id = $1", merchant)
    assert (await run_kind(counter.office, Kind.MERCHANT_CHECKS))["kyc_applications"]["gone"] == 1
    assert await counter.shop.counts("kyc_applications") == 0


@pytest.mark.parametrize("covers", ["merchant", "payment", "person"])
async def test_what_is_held_stays_until_the_hold_is_lifted(counter: Counter, covers: str) -> None:
    merchant = counter.shop.merchant
    payment = (await counter.sells(MALEE))["id"]
    await counter.is_shown_a_slip(MALEE, payment, days_ago=400)
    async with counter.office.db.transaction() as tx:
        hold = await holds.place(
            tx,
            counter.office,
            merchant,
            "court order 12/2569",
            payment=payment if covers == "payment" else None,
            person=asked(MALEE, "phone") if covers == "person" else None,
        )
    assert hold["covers"] == covers
    done = await run_all(counter.office)
    assert done[Kind.PROVIDER_BODIES]["evidence.transcript"] == {"gone": 0, "held": 1}
    with pytest.raises(UnderLegalHold, match=hold["id"]):
        await erase(counter.office, merchant, asked(MALEE))
    (entry,) = await counter.shop.rows(
        "SELECT outcome, details FROM audit_logs WHERE action = 'person.erased'"
    )
    assert (entry["outcome"], entry["details"]["after"]["code"]) == ("refused", "under_legal_hold")

    async with counter.office.db.transaction() as tx:
        await holds.lift(tx, merchant, hold["id"], "the case is closed")
    done = await run_all(counter.office)
    assert done[Kind.PROVIDER_BODIES]["evidence.transcript"] == {"gone": 1, "held": 0}


async def test_a_hold_of_one_person_does_not_keep_another(counter: Counter) -> None:
    for payer in (MALEE, SOMCHAI):
        await counter.is_shown_a_slip(payer, (await counter.sells(payer))["id"], days_ago=400)
    async with counter.office.db.transaction() as tx:
        await holds.place(tx, counter.office, counter.shop.merchant, "fraud", person=asked(MALEE, "email"))
    done = await run_all(counter.office)
    assert done[Kind.PROVIDER_BODIES]["evidence.transcript"] == {"gone": 1, "held": 1}


async def test_a_run_that_broke_is_gone_on_with_by_the_next(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = (await counter.sells(MALEE))["id"]
    for _ in range(5):
        await counter.is_shown_a_slip(MALEE, payment, days_ago=200)
    office = counter.office
    with monkeypatch.context() as broken:
        broken.setattr(VAULT.__class__, "seal", _breaks_at(3, VAULT.__class__.seal))
        with pytest.raises(ArithmeticError, match="power"):
            await run_kind(office, Kind.PROVIDER_BODIES, at_once=2)
    assert await transcripts(counter) == 3, "the first batch is done, the second is not there at all"
    done = await run_kind(office, Kind.PROVIDER_BODIES, at_once=2)
    assert done["evidence.transcript"]["gone"] == 3
    runs = await counter.shop.rows("SELECT counts, finished_at FROM retention_runs ORDER BY id")
    assert [(row["counts"]["evidence.transcript"]["gone"], row["finished_at"] is None) for row in runs] == [
        (2, True),
        (3, False),
    ]


def _breaks_at(times: int, whole: Any) -> Any:
    calls = iter(range(times))

    def seal(*said: Any) -> Any:
        if next(calls, None) is None:
            raise ArithmeticError("power")
        return whole(*said)

    return seal


async def test_a_dry_run_counts_and_touches_nothing(counter: Counter) -> None:
    await counter.is_shown_a_slip(MALEE, (await counter.sells(MALEE))["id"], days_ago=200)
    done = await run_all(counter.office, dry_run=True)
    assert done[Kind.PROVIDER_BODIES]["evidence.transcript"] == {"gone": 1, "held": 0}
    assert await transcripts(counter) == 1
    assert await counter.shop.rows("SELECT 1 FROM audit_logs WHERE action = 'retention.run'") == []


async def test_each_run_is_written_down_with_its_counts(counter: Counter) -> None:
    await run_all(counter.office)
    entries = await counter.shop.rows("SELECT details FROM audit_logs WHERE action = 'retention.run'")
    assert {entry["details"]["after"]["kind"] for entry in entries} == {
        "payments",
        "merchant_checks",
        "audit",
        "access_logs",
        "provider_bodies",
        "webhook_bodies",
    }


@pytest.mark.parametrize(
    "forged",
    [
        "UPDATE evidence SET transcript = substring(transcript FOR 92) WHERE id = $1",
        "UPDATE evidence SET transcript = transcript || 'x' WHERE id = $1",
        "UPDATE evidence SET outcome = 'paid' WHERE id = $1",
        "DELETE FROM evidence WHERE id = $1",
    ],
)
async def test_evidence_younger_than_the_law_allows_is_not_emptied_by_anybody(
    counter: Counter, forged: str
) -> None:
    evidence = await counter.is_shown_a_slip(MALEE, (await counter.sells(MALEE))["id"], days_ago=80)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await counter.shop.rows(forged, evidence)


async def test_a_young_event_is_not_rewritten_without_an_erasure(counter: Counter) -> None:
    payment = (await counter.sells(MALEE))["id"]
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await counter.shop.rows("UPDATE events SET data = '{}' WHERE object_id = $1", payment)


async def test_after_all_times_are_over_nobody_is_named(counter: Counter, pool: asyncpg.Pool[Any]) -> None:
    payment = (await counter.sells(MALEE))["id"]
    await counter.is_shown_a_slip(MALEE, payment, days_ago=4_000)
    for table, column in (("payments", "created_at"), ("attempts", "created_at"), ("events", "created_at")):
        await grow_old(pool, f"UPDATE {table} SET {column} = now() - interval '4000 days'")
    await run_all(counter.office)
    held = naming(await everything(pool, VAULT), MALEE_WRITTEN)
    # Housekeeping forgets these after 30 days, and a merchant's own order number is part of its books.
    assert {where.split()[0] for where in held} == {"idempotency_keys", "payments"}


def test_every_rule_is_of_a_kind_that_ends() -> None:
    assert {rule.kind for rule in RULES} <= set(Kind)
    assert len({rule.name for rule in RULES}) == len(RULES)
