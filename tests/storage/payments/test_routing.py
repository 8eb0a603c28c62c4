"""Which account a payment goes through, and where it goes when the first one certainly did nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from quickkub.connectors.contract import Declined, Failure, NotSent, Paid, Payer, Unknown
from quickkub.invariants.run import check_invariants
from quickkub.kernel.money import baht
from quickkub.merchants.keys import KeyKind, open_key
from quickkub.payments import ask, settle
from quickkub.payments.routes import store
from quickkub.payments.routes.model import Hours, Rule, Rules, Strategy, Use, When
from quickkub.payments.routes.why import replay
from quickkub.payments.routing import FAILOVER_WITHIN_SECONDS
from quickkub.storage import Database
from tests.support.api import PEPPER
from tests.support.shop import MadeUpBank, Shop, ToldByBank, open_shop, receipt

PRICE = baht(150)
MINUTE = timedelta(minutes=1)
DOWN = NotSent("could not be sent: ClientConnectorError")
KEYS_GONE = Declined(Failure.PROVIDER_MISCONFIGURED, "401", "the credentials are refused")
"""The provider proves that nothing happened, for a reason that is not the payer's."""


@pytest.fixture
async def shop(database: Database) -> Shop:
    """A shop with an account at each of three banks: `madeup`, `second` and `third`."""
    shop = await open_shop(database)
    await shop.opens_account("second", MadeUpBank())
    await shop.opens_account("third", MadeUpBank())
    return shop


async def accounts_of(shop: Shop) -> dict[str, str]:
    rows = await shop.rows("SELECT id, provider FROM provider_accounts ORDER BY id")
    return {row["provider"]: row["id"] for row in rows}


async def decides(shop: Shop, *rules: Rule, **more: Any) -> Rules:
    """The shop's rules from now on."""
    async with shop.db.transaction() as tx:
        key, _ = await open_key(tx, PEPPER, shop.merchant, "test", KeyKind.SECRET)
        before = await store.newest_rules(tx, shop.merchant, "test")
        wanted = Rules(before.rules.version + 1, rules, **more)
        written = await store.add_rules(tx, shop.merchant, "test", wanted, key)
    assert written is not None and written.rules == wanted, "rules are read as they were written"
    return wanted


async def attempts(shop: Shop, payment: str) -> list[tuple[str, str]]:
    return [(one["provider"], one["status"]) for one in (await shop.sees(payment))["attempts"]]


async def whys(shop: Shop, payment: str) -> list[dict[str, Any]]:
    rows = await shop.rows("SELECT why FROM attempts WHERE payment_id = $1 ORDER BY created_at", payment)
    return [row["why"] for row in rows]


async def reference_of(shop: Shop, payment: str, number: int) -> str:
    return str((await shop.sees(payment))["attempts"][number]["reference"])


async def no_invariant_is_broken(shop: Shop) -> None:
    report = await check_invariants(shop.db)
    assert report.violations == []


# --- without rules ----------------------------------------------------------------------------------------


async def test_without_rules_the_first_account_that_has_the_method_is_used(shop: Shop) -> None:
    payment = await shop.charges(PRICE)
    assert await attempts(shop, payment["id"]) == [("madeup", "requires_action")]
    (why,) = await whys(shop, payment["id"])
    assert (why["rules_version"], why["rule"], why["strategy"]) == (0, None, "first_account_with_method")


async def test_an_account_whose_circuit_is_open_is_passed_over_while_another_has_the_method(
    shop: Shop,
) -> None:
    accounts = await accounts_of(shop)
    shop.open_circuits.add(accounts["madeup"])
    payment = await shop.charges(PRICE)
    assert payment["provider"] == "second"
    shop.open_circuits.update(accounts.values())
    payment = await shop.charges(PRICE)
    assert payment["provider"] == "madeup", "a degraded way is better than none"


# --- rules ------------------------------------------------------------------------------------------------


async def test_rules_choose_by_amount_and_method_and_the_newest_version_counts(shop: Shop) -> None:
    accounts = await accounts_of(shop)
    big = Rule(When(amount_min=100_000), use=(Use(accounts["third"]),), name="big ones")
    await decides(shop, big, Rule(When(methods=("promptpay",)), use=(Use(accounts["second"]),)))
    assert (await shop.charges(baht(1_000)))["provider"] == "third"
    assert (await shop.charges(PRICE))["provider"] == "second"
    assert (await shop.charges(PRICE, method="card"))["provider"] == "madeup", "no rule has a say"
    await decides(shop, big)
    payment = await shop.charges(PRICE)
    (why,) = await whys(shop, payment["id"])
    assert (payment["provider"], why["rules_version"]) == ("madeup", 2)


async def test_rules_of_the_past_cannot_be_changed(shop: Shop) -> None:
    await decides(shop, Rule())
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with shop.db.transaction() as tx:
            await tx.execute("UPDATE routing_rules SET rules = '{}'")


async def test_the_account_that_fails_lately_loses_its_turn_and_gets_it_back(shop: Shop) -> None:
    accounts = await accounts_of(shop)
    use = tuple(Use(accounts[name]) for name in ("madeup", "second"))
    await decides(shop, Rule(strategy=Strategy.SUCCESS_RATE, use=use), samples_min=3)
    shop.bank.to_create.extend([Declined(Failure.DECLINED, "E1", "no")] * 3)
    shop.banks["second"].to_create.extend([Paid((receipt(PRICE, f"T{n}"),)) for n in range(9)])
    went = [(await shop.charges(PRICE))["provider"] for _ in range(8)]
    assert went == ["madeup"] * 3 + ["second"] * 5
    payment = await shop.charges(PRICE)
    (why,) = await whys(shop, payment["id"])
    tallies = {one["provider"]: (one["good"], one["bad"]) for one in why["candidates"]}
    assert tallies == {"madeup": (0, 3), "second": (5, 0), "third": (0, 0)}
    assert why["candidates"][2]["excluded"] == "not_in_rule"


async def test_a_payer_without_money_says_nothing_about_the_provider(shop: Shop) -> None:
    await decides(shop, Rule(strategy=Strategy.SUCCESS_RATE), samples_min=2)
    shop.bank.to_create.extend([Declined(Failure.INSUFFICIENT_FUNDS, "51", "no")] * 4)
    assert {(await shop.charges(PRICE))["provider"] for _ in range(5)} == {"madeup"}


async def test_every_decision_is_played_again_from_what_was_stored(shop: Shop) -> None:
    accounts = await accounts_of(shop)
    drawn = tuple(Use(account, weight) for account, weight in zip(accounts.values(), (3, 1, 1), strict=True))
    await decides(shop, Rule(strategy=Strategy.WEIGHTED, use=drawn))
    for bank in (shop.bank, *shop.banks.values()):
        bank.to_create.extend([DOWN] * 2)
    for _ in range(20):
        await shop.charges(PRICE)
    rows = await shop.rows("SELECT why, account_id FROM attempts")
    assert len(rows) > 20, "some went on to another account"
    async with shop.db.read() as reader:
        for row in rows:
            version = await store.rules_of_version(reader, shop.merchant, "test", row["why"]["rules_version"])
            assert version is not None
            assert replay(row["why"], version.rules) == row["why"]["chosen"] == row["account_id"]
    assert len({row["account_id"] for row in rows}) == 3


async def test_a_rule_for_the_night_leaves_the_day_alone(shop: Shop) -> None:
    accounts = await accounts_of(shop)
    (row,) = await shop.rows("SELECT extract(hour FROM now() AT TIME ZONE 'Asia/Bangkok')::int AS hour")
    hour = row["hour"]
    other = When(hours=Hours((hour + 2) % 24, (hour + 3) % 24))
    now = When(hours=Hours(hour, (hour + 2) % 24))
    await decides(shop, Rule(other, use=(Use(accounts["third"]),)), Rule(now, use=(Use(accounts["second"]),)))
    assert (await shop.charges(PRICE))["provider"] == "second"


# --- failover ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("no", [DOWN, KEYS_GONE], ids=["nothing was sent", "refused for its own reasons"])
async def test_the_next_account_is_asked_when_the_first_certainly_did_nothing(
    shop: Shop, no: NotSent | Declined
) -> None:
    shop.bank.to_create.append(no)
    payment = await shop.charges(PRICE)
    assert (payment["status"], payment["provider"]) == ("requires_action", "second")
    assert payment["next_action"] is not None and payment["failure"] is None
    assert await attempts(shop, payment["id"]) == [("madeup", "failed"), ("second", "requires_action")]
    types = [row["type"] for row in await shop.rows("SELECT type FROM events ORDER BY object_version")]
    assert types == ["payment.created", "payment.requires_action"], "nobody hears of a failure that was none"


async def test_a_further_attempt_says_which_one_it_follows_and_why(shop: Shop) -> None:
    shop.bank.to_create.append(DOWN)
    payment = await shop.charges(PRICE)
    first = (await shop.sees(payment["id"]))["attempts"][0]
    why_first, why_second = await whys(shop, payment["id"])
    accounts = await accounts_of(shop)
    assert why_first["failover"] is None and why_first["order"] == why_second["order"]
    assert why_second["failover"] == {
        "of": first["id"],
        "reason": "provider_unavailable",
        "tried": [accounts["madeup"]],
    }
    references = {await reference_of(shop, payment["id"], n) for n in (0, 1)}
    assert len(references) == 2, "every attempt has words of its own (P10)"


async def test_an_unknown_outcome_never_leads_to_another_provider(shop: Shop) -> None:
    shop.bank.to_create.append(Unknown("no answer within 15 s"))
    payment = await shop.charges(PRICE)
    assert payment["status"] == "processing"
    assert await attempts(shop, payment["id"]) == [("madeup", "unknown")]
    assert shop.banks["second"].created == []


@pytest.mark.parametrize(
    "failure",
    [Failure.DECLINED, Failure.INSUFFICIENT_FUNDS, Failure.LIMIT_EXCEEDED, Failure.REQUEST_REFUSED],
    ids=lambda f: str(f.value),
)
async def test_a_payers_own_failure_is_not_tried_elsewhere(shop: Shop, failure: Failure) -> None:
    shop.bank.to_create.append(Declined(failure, "E1", "no"))
    payment = await shop.charges(PRICE)
    assert (payment["status"], payment["failure"]["code"]) == ("failed", failure.value)
    assert shop.banks["second"].created == []


async def test_an_unknown_outcome_at_the_second_account_ends_the_search(shop: Shop) -> None:
    shop.bank.to_create.append(DOWN)
    shop.banks["second"].to_create.append(Unknown("the answer broke off"))
    payment = await shop.charges(PRICE)
    assert payment["status"] == "processing" and shop.banks["third"].created == []
    assert await attempts(shop, payment["id"]) == [("madeup", "failed"), ("second", "unknown")]


async def test_at_most_three_accounts_are_asked_and_then_it_has_failed(shop: Shop) -> None:
    await shop.opens_account("fourth", MadeUpBank())
    for bank in (shop.bank, *shop.banks.values()):
        bank.to_create.append(DOWN)
    payment = await shop.charges(PRICE)
    assert (payment["status"], payment["failure"]["code"]) == ("failed", "provider_unavailable")
    assert [name for name, _ in await attempts(shop, payment["id"])] == ["madeup", "second", "third"]
    assert shop.banks["fourth"].created == []
    types = [row["type"] for row in await shop.rows("SELECT type FROM events ORDER BY object_version")]
    assert types == ["payment.created", "payment.failed"]


async def test_a_merchant_who_was_kept_waiting_long_enough_is_answered_instead(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal that took as long as a timeout: the request must end before its key is taken for dead."""
    monkeypatch.setattr(ask, "_seconds", lambda: float(FAILOVER_WITHIN_SECONDS * len(shop.bank.created)))
    shop.bank.to_create.append(KEYS_GONE)
    payment = await shop.charges(PRICE)
    assert (payment["status"], payment["failure"]["code"]) == ("failed", "provider_misconfigured")
    assert shop.banks["second"].created == []


async def test_a_rule_of_one_account_leaves_nowhere_to_go(shop: Shop) -> None:
    accounts = await accounts_of(shop)
    await decides(shop, Rule(use=(Use(accounts["madeup"]),)))
    shop.bank.to_create.append(DOWN)
    assert (await shop.charges(PRICE))["status"] == "failed"


async def test_a_token_of_one_providers_page_is_not_shown_to_another(shop: Shop) -> None:
    shop.bank.to_create.append(DOWN)
    payment = await shop.charges(PRICE, method="card", payer=Payer(card_token="tokn_test_1"))
    assert payment["status"] == "failed" and shop.banks["second"].created == []


async def test_a_repeat_of_the_request_gets_the_answer_of_the_account_that_took_it(shop: Shop) -> None:
    shop.bank.to_create.append(DOWN)
    first = await shop.asks(PRICE, "order-1")
    again = await shop.asks(PRICE, "order-1")
    assert (again.body, again.replayed) == (first.body, True)
    assert len(shop.banks["second"].created) == 1


# --- money where nobody waits for it any more -------------------------------------------------------------


async def test_money_at_the_first_account_pays_the_payment_if_nothing_else_did(shop: Shop) -> None:
    shop.bank.to_create.append(KEYS_GONE)
    payment = await shop.charges(PRICE)
    shop.bank.of[await reference_of(shop, payment["id"], 0)] = Paid((receipt(PRICE),))
    await shop.time_passes(MINUTE)
    await shop.works()
    seen = await shop.sees(payment["id"])
    assert (seen["status"], seen["provider"], seen["captured_amount"]) == ("succeeded", "madeup", 15_000)
    await shop.time_passes(timedelta(minutes=10))
    await shop.works()
    assert await attempts(shop, payment["id"]) == [("madeup", "succeeded"), ("second", "cancelled")]
    await no_invariant_is_broken(shop)


async def test_money_at_both_accounts_is_the_payments_once_and_unapplied_once(shop: Shop) -> None:
    shop.bank.to_create.append(KEYS_GONE)
    payment = await shop.charges(PRICE)
    second = await reference_of(shop, payment["id"], 1)
    shop.banks["second"].of[second] = Paid((receipt(PRICE, "T2"),))
    await shop.time_passes(MINUTE)
    await shop.works()
    assert (await shop.sees(payment["id"]))["status"] == "succeeded"
    shop.bank.of[await reference_of(shop, payment["id"], 0)] = Paid((receipt(PRICE, "T1"),))
    await shop.time_passes(timedelta(hours=30))
    await shop.works()
    seen = await shop.sees(payment["id"])
    assert (seen["captured_amount"], seen["provider"]) == (15_000, "second")
    (left_over,) = await shop.rows("SELECT amount FROM unapplied")
    assert left_over["amount"] == 15_000
    await no_invariant_is_broken(shop)


async def test_both_attempts_paid_at_the_same_moment_succeed_once(shop: Shop) -> None:
    for number in range(15):
        shop.bank.to_create.append(KEYS_GONE)
        payment = await shop.charges(PRICE)
        both = (await shop.sees(payment["id"]))["attempts"]
        told = [ToldByBank(Paid((receipt(PRICE, f"T{number}-{one['id']}"),))) for one in both]
        await asyncio.gather(
            *(
                settle.apply(shop.office, shop.merchant, one["id"], words, "inquiry")
                for one, words in zip(both, told, strict=True)
            )
        )
        seen = await shop.sees(payment["id"])
        assert (seen["status"], seen["captured_amount"]) == ("succeeded", 15_000)
        states = Counter(status for _, status in await attempts(shop, payment["id"]))
        assert states["succeeded"] == 1
    assert await shop.counts("unapplied") == 15
    await no_invariant_is_broken(shop)


async def test_a_late_success_while_the_second_account_is_being_asked_is_the_payments(shop: Shop) -> None:
    """The first account said no and took the money all the same, before the second one answered."""
    shop.bank.to_create.append(KEYS_GONE)
    paid = ToldByBank(Paid((receipt(PRICE),)))
    line = shop.office.line
    asked = 0

    class LineThatWaits:
        async def run(self, account: Any, exchange: Any) -> Any:
            nonlocal asked
            told = await line.run(account, exchange)
            if account.provider == "second":
                asked += 1
                (first,) = await shop.rows("SELECT id FROM attempts WHERE state = 'failed'")
                await settle.apply(shop.office, shop.merchant, first["id"], paid, "callback")
            return told

    object.__setattr__(shop.office, "line", LineThatWaits())
    payment = await shop.charges(PRICE)
    object.__setattr__(shop.office, "line", line)
    assert asked == 1 and payment["status"] == "succeeded"
    assert (await shop.sees(payment["id"]))["provider"] == "madeup"
    await shop.time_passes(MINUTE)
    await shop.works()
    assert await attempts(shop, payment["id"]) == [("madeup", "succeeded"), ("second", "cancelled")]
    await no_invariant_is_broken(shop)


async def test_a_failed_attempt_is_looked_at_but_never_asked_for_again(shop: Shop) -> None:
    """Its provider takes repeats, and the payment is still open: a new order there could be paid as well."""
    shop.bank.to_create.append(KEYS_GONE)
    await shop.charges(PRICE)
    await shop.time_passes(timedelta(minutes=2))
    await shop.works()
    assert len(shop.bank.created) == 1 and shop.bank.inquired != []


async def test_a_crash_between_two_accounts_leaves_an_attempt_that_is_asked_about(shop: Shop) -> None:
    shop.bank.to_create.append(DOWN)

    class Killed(BaseException):
        pass

    line = shop.office.line

    class LineThatDies:
        async def run(self, account: Any, exchange: Any) -> Any:
            if account.provider == "second":
                exchange.close()
                raise Killed
            return await line.run(account, exchange)

    object.__setattr__(shop.office, "line", LineThatDies())
    with pytest.raises(Killed):
        await shop.asks(PRICE, "order-1")
    object.__setattr__(shop.office, "line", line)
    (row,) = await shop.rows("SELECT id, state FROM payments")
    assert row["state"] == "created"
    assert await attempts(shop, row["id"]) == [("madeup", "failed"), ("second", "created")]
    await shop.time_passes(MINUTE)
    await shop.works()
    assert await attempts(shop, row["id"]) == [("madeup", "failed"), ("second", "requires_action")]
    assert (await shop.asks(PRICE, "order-1")).replayed


async def test_an_expired_payment_ends_its_last_attempt_only(shop: Shop) -> None:
    shop.bank.to_create.append(DOWN)
    payment = await shop.charges(PRICE)
    await shop.time_passes(timedelta(hours=1))
    await shop.works()
    assert (await shop.sees(payment["id"]))["status"] == "expired"
    assert await attempts(shop, payment["id"]) == [("madeup", "failed"), ("second", "expired")]
    await no_invariant_is_broken(shop)
