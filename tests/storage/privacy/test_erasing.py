"""Who is erased is found nowhere afterwards, and what was paid is where it was."""

from __future__ import annotations

import json
from typing import Any

import asyncpg
import pytest

from quickkub.connectors.contract import Action, ActionKind, Waiting
from quickkub.invariants.run import check_invariants
from quickkub.kernel.ids import new_id
from quickkub.kernel.money import baht
from quickkub.payments.slips import SlipAlreadyUsed, SlipQuestion
from quickkub.privacy.erase import erase
from quickkub.privacy.office import ErasureTooEarly, NobodyFound, Office
from quickkub.privacy.periods import read_periods
from quickkub.refunds.model import Destination
from quickkub.storage import Database
from tests.storage.payments.test_slips import TEXT, LookingBank
from tests.storage.privacy.counter import MALEE, MALEE_WRITTEN, SOMCHAI, Counter, asked
from tests.storage.privacy.dump import everything, naming
from tests.support.api import INDEX
from tests.support.rows import insert
from tests.support.shop import VAULT, open_shop

MONEY = "SELECT merchant_id, account, sum(amount) AS total FROM entries GROUP BY 1, 2 ORDER BY 1, 2"
FACTS = (
    "SELECT id, amount, captured_amount, refunded_amount, state, paid_at, version FROM payments ORDER BY id"
)


async def test_after_an_erasure_the_whole_database_names_the_person_nowhere(
    counter: Counter, pool: asyncpg.Pool[Any]
) -> None:
    shop = counter.shop
    payment = await counter.sells(MALEE)
    other = await counter.sells(SOMCHAI)
    await shop.is_told(
        json.dumps({"id": "c1", "ref": "X", "amount": "150", "payer": MALEE.name}).encode(),
        **{"x-who": MALEE.email},
    )
    await shop.works()
    refund = await shop.refunds_of(
        payment["id"],
        baht(50),
        destination=Destination("004", "1234567890", MALEE.name),
        note=f"for {MALEE.name}",
    )
    await shop.rows("UPDATE refunds SET state = 'cancelled', finished_at = now() WHERE id = $1", refund["id"])
    await say_it_elsewhere(counter, other["id"])
    await counter.is_shown_a_slip(MALEE, payment["id"])
    assert len(naming(await everything(pool, VAULT), MALEE_WRITTEN)) > 10
    money, facts = await shop.rows(MONEY), await shop.rows(FACTS)

    done = await erase(counter.office, shop.merchant, asked(MALEE))

    held = await everything(pool, VAULT)
    assert naming(held, [*MALEE_WRITTEN, "malee_line"]) == {}
    assert naming(held, ["somchai@example.com"]), "somebody else is still there"
    assert (await shop.rows(MONEY), await shop.rows(FACTS)) == (money, facts)
    assert done["counts"]["payments.payer"] == 1
    assert (done["counts"]["evidence.transcript"], done["counts"]["slips.answer"]) == (1, 1)
    assert (await shop.sees(payment["id"]))["description"] == done["pseudonym"]


async def say_it_elsewhere(counter: Counter, payment: str) -> None:
    """What people write where nobody expects it."""
    case = {"said": f"{MALEE.name} called from 089-123-4567 about it", "phones": [f"+66{MALEE.phone[1:]}"]}
    async with counter.office.db.transaction() as tx:
        await insert(
            tx,
            "cases",
            merchant_id=counter.shop.merchant,
            id=new_id("case"),
            mode="test",
            kind="unapplied",
            fact=new_id("x"),
            payment_id=payment,
            details=case,
        )


async def test_a_repeated_request_and_a_redelivered_event_do_not_bring_the_person_back(
    counter: Counter, pool: asyncpg.Pool[Any]
) -> None:
    shop = counter.shop
    first = await counter.sells(MALEE, key="order-1042")
    assert first["metadata"]["customer"] == MALEE.email.upper()
    done = await erase(counter.office, shop.merchant, asked(MALEE, "email"))

    again = await counter.sells(MALEE, key="order-1042", paid=False)

    assert again["id"] == first["id"]
    assert again["metadata"] == dict.fromkeys(first["metadata"], done["pseudonym"])
    assert (again["amount"], again["status"]) == (first["amount"], first["status"])
    told = await shop.rows("SELECT data FROM events WHERE object_id = $1", first["id"])
    assert naming({"told": repr([row["data"] for row in told])}, MALEE_WRITTEN) == {}
    assert naming(await everything(pool, VAULT), MALEE_WRITTEN) == {}


async def test_nothing_that_must_hold_is_broken_by_an_erasure(counter: Counter) -> None:
    await counter.sells(MALEE)
    before = await check_invariants(counter.office.db)
    await erase(counter.office, counter.shop.merchant, asked(MALEE))
    after = await check_invariants(counter.office.db)
    assert [v.invariant for v in after.violations] == [v.invariant for v in before.violations]


async def test_erasing_twice_gives_the_same_certificate(counter: Counter) -> None:
    await counter.sells(MALEE)
    first = await erase(counter.office, counter.shop.merchant, asked(MALEE))
    assert await erase(counter.office, counter.shop.merchant, asked(MALEE)) == first
    assert await counter.shop.counts("erasures") == 1


async def test_what_comes_after_an_erasure_is_erased_under_the_same_pseudonym(counter: Counter) -> None:
    await counter.sells(MALEE)
    first = await erase(counter.office, counter.shop.merchant, asked(MALEE))
    await counter.sells(MALEE)
    second = await erase(counter.office, counter.shop.merchant, asked(MALEE, "phone"))
    assert second["id"] != first["id"]
    assert second["pseudonym"] == first["pseudonym"]


async def test_an_erasure_is_written_down_without_a_word_of_the_person(counter: Counter) -> None:
    await counter.sells(MALEE)
    done = await erase(counter.office, counter.shop.merchant, asked(MALEE))
    (entry,) = await counter.shop.rows("SELECT * FROM audit_logs WHERE action = 'person.erased'")
    assert (entry["outcome"], entry["resource_id"]) == ("done", done["id"])
    assert naming({"entry": repr(dict(entry))}, MALEE_WRITTEN) == {}


async def test_nobody_is_erased_while_their_payment_is_under_way(counter: Counter) -> None:
    payment = await counter.sells(MALEE, paid=False)
    with pytest.raises(ErasureTooEarly, match=payment["id"]):
        await erase(counter.office, counter.shop.merchant, asked(MALEE))
    await counter.shop.cancels(payment["id"])
    await erase(counter.office, counter.shop.merchant, asked(MALEE))


async def test_whom_nobody_knows_is_not_erased(counter: Counter) -> None:
    await counter.sells(SOMCHAI)
    with pytest.raises(NobodyFound):
        await erase(counter.office, counter.shop.merchant, asked(MALEE))
    assert await counter.shop.counts("erasures") == 0


async def test_a_name_alone_does_not_pull_in_a_namesake_with_another_address(counter: Counter) -> None:
    await counter.sells(MALEE)
    namesake = await counter.sells(
        type(MALEE)(name=MALEE.name, email="other@example.com", phone="0800000001")
    )
    await erase(counter.office, counter.shop.merchant, asked(MALEE))
    (row,) = await counter.shop.rows("SELECT payer FROM payments WHERE id = $1", namesake["id"])
    assert row["payer"] is not None


FIELDS = {"customerName": MALEE.name, "customerEmail": MALEE.email, "detail": "1 bag"}


async def test_the_form_that_a_persons_browser_posted_goes_with_them_and_a_repeat_does_not_bring_it_back(
    counter: Counter, pool: asyncpg.Pool[Any]
) -> None:
    shop = counter.shop
    form = Action(ActionKind.FORM_POST, "https://forms.example/v1", fields=FIELDS)
    shop.bank.to_create.append(Waiting(form))
    payment = await counter.sells(MALEE, paid=False, key="order-1")
    assert payment["next_action"]["fields"] == FIELDS
    await shop.cancels(payment["id"])
    done = await erase(counter.office, shop.merchant, asked(MALEE))
    assert naming(await everything(pool, VAULT), MALEE_WRITTEN) == {}
    counts = done["counts"]
    assert (counts["attempts.form_fields"], counts["idempotency_keys.form_fields"]) == (1, 1)
    assert (await counter.sells(MALEE, paid=False, key="order-1"))["next_action"] is None


async def test_a_form_of_somebody_elses_payment_loses_the_name_and_stays_a_form(
    counter: Counter, pool: asyncpg.Pool[Any]
) -> None:
    shop = counter.shop
    fields = {"customerName": SOMCHAI.name, "detail": f"a gift for {MALEE.email}"}
    shop.bank.to_create.append(
        Waiting(Action(ActionKind.FORM_POST, "https://forms.example/v1", fields=fields))
    )
    words = {"payer": SOMCHAI, "description": fields["detail"]}
    gift = await shop.charges(baht(150), "gift", **words)
    await counter.sells(MALEE)
    done = await erase(counter.office, shop.merchant, asked(MALEE))
    assert naming(await everything(pool, VAULT), MALEE_WRITTEN) == {}
    shown = {"customerName": SOMCHAI.name, "detail": f"a gift for {done['pseudonym']}"}
    assert (await shop.sees(gift["id"]))["next_action"]["fields"] == shown
    assert (await shop.charges(baht(150), "gift", **words))["next_action"]["fields"] == shown


async def test_the_slip_of_a_payer_who_was_erased_is_still_known_to_be_used_up(
    database: Database, pool: asyncpg.Pool[Any]
) -> None:
    bank = LookingBank()
    shop = await open_shop(database, bank)
    payment, other = [await shop.charges(baht(150), payer=payer) for payer in (MALEE, SOMCHAI)]
    bank.knows(baht(150))
    question = SlipQuestion(payload=TEXT, payment=payment["id"])
    first = await shop.payments.slips.verify(shop.merchant, "test", question)
    await shop.cancels(payment["id"])
    await erase(Office(database, VAULT, INDEX, read_periods({})), shop.merchant, asked(MALEE))
    bank.transfers.clear()
    again = await shop.payments.slips.verify(shop.merchant, "test", question)
    assert again.keys() == first.keys()
    of_the_use = ("verified", "status", "reasons", "sending_bank", "trans_ref", "payment", "account")
    assert [again[name] for name in of_the_use] == [first[name] for name in of_the_use]
    assert (again["sender_name"], again["receiver_name"], again["amount"]) == (None, None, None)
    with pytest.raises(SlipAlreadyUsed):
        await shop.payments.slips.verify(
            shop.merchant, "test", SlipQuestion(payload=TEXT, payment=other["id"])
        )
