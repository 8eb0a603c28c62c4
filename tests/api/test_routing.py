"""Routing rules and provider health over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from quickkub.connectors.contract import Declined, Failure, NotSent, Paid
from quickkub.kernel.money import baht
from quickkub.payments.routes.model import Rules
from quickkub.payments.routes.store import rules_of_version
from quickkub.payments.routes.why import replay
from tests.support.api import Client, gateway, key_for
from tests.support.shop import MadeUpBank, receipt

RULES = "/v1/routing_rules"
HEALTH = "/v1/providers/health"


@pytest.fixture
async def second(shop: Client) -> str:
    """A further account, at another bank."""
    return await shop.shop.opens_account("second", MadeUpBank(), biller_id="12345")


async def test_a_shop_without_rules_has_version_0(shop: Client) -> None:
    told = (await shop.gets(RULES)).json
    assert (told["version"], told["rules"], told["created_at"]) == (0, [], None)
    assert told["mode"] == "test"


async def test_rules_are_read_back_as_they_were_written_and_count_at_once(shop: Client, second: str) -> None:
    rule: dict[str, Any] = {
        "name": "กลางคืน",
        "when": {"amount_min": 100, "methods": ["promptpay"], "hours": {"start": 0, "end": 24}},
        "strategy": "weighted",
        "use": [{"account": second, "weight": 5, "cost_basis_points": 80}],
    }
    written = await shop.posts(RULES, {"rules": [rule], "samples_min": 7})
    assert written.status == 200
    assert written.json == (await shop.gets(RULES)).json
    assert (written.json["version"], written.json["samples_min"]) == (1, 7)
    (read,) = written.json["rules"]
    assert read["name"] == "กลางคืน" and read["use"][0]["account"] == second
    assert read["when"]["hours"] == {"start": 0, "end": 24} and read["even_if_degraded"] is False
    assert (await shop.charges())["provider"] == "second"


async def test_old_versions_stay_readable(shop: Client, second: str) -> None:
    await shop.posts(RULES, {"rules": [{"use": [{"account": second}]}]})
    await shop.posts(RULES, {"rules": []})
    assert (await shop.gets(f"{RULES}?version=1")).json["rules"][0]["use"][0]["account"] == second
    assert (await shop.gets(f"{RULES}?version=0")).json["rules"] == []
    assert (await shop.gets(f"{RULES}?version=9")).no == (404, "routing_version_unknown", "version")


async def test_an_account_nobody_has_is_named_in_the_refusal(shop: Client, second: str) -> None:
    rules = [{"use": [{"account": second}]}, {"use": [{"account": second}, {"account": "acc_" + "0" * 32}]}]
    told = await shop.posts(RULES, {"rules": rules})
    assert told.no == (400, "routing_account_unknown", "rules[1].use[1].account")
    assert (await shop.gets(RULES)).json["version"] == 0


async def test_an_account_of_another_mode_is_an_account_nobody_has(shop: Client, second: str) -> None:
    live = shop.with_key(await key_for(shop.shop.db, shop.shop.merchant, "live"))
    told = await live.posts(RULES, {"rules": [{"use": [{"account": second}]}]})
    assert told.no == (400, "routing_account_unknown", "rules[0].use[0].account")


async def test_whoever_has_not_seen_the_newest_version_does_not_replace_it(shop: Client) -> None:
    assert (await shop.posts(RULES, {"rules": [], "replaces": 0})).json["version"] == 1
    told = await shop.posts(RULES, {"rules": [], "replaces": 0})
    assert told.no == (409, "routing_rules_changed", "replaces")


@pytest.mark.parametrize(
    ("rule", "param"),
    [
        ({"strategy": "cheapest"}, "rules[0].strategy"),
        ({"when": {"hours": {"start": 24, "end": 3}}}, "rules[0].when.hours.start"),
        ({"when": {"weekdays": ["monday"]}}, "rules[0].when.weekdays[0]"),
        ({"use": [{"account": "acc_1", "weight": 0}]}, "rules[0].use[0].weight"),
        ({"wenn": {}}, "rules[0].wenn"),
        ({"name": "\u200b"}, "rules[0].name"),
    ],
)
async def test_a_rule_that_makes_no_sense_is_refused_with_its_place(
    shop: Client, rule: dict[str, Any], param: str
) -> None:
    told = await shop.posts(RULES, {"rules": [rule]})
    assert (told.status, told.json["param"]) == (400, param)


async def test_the_reason_of_each_attempt_is_shown_and_can_be_played_again(shop: Client, second: str) -> None:
    await shop.posts(RULES, {"rules": [{"name": "all", "strategy": "least_cost"}]})
    shop.shop.bank.to_create.append(NotSent("could not be sent"))
    payment = await shop.charges()
    shown = (await shop.gets(f"/v1/payments/{payment['id']}?expand[]=attempts")).json
    first, further = shown["attempts"]
    assert (first["why"]["rule_name"], first["why"]["rules_version"]) == ("all", 1)
    assert further["why"]["failover"]["of"] == first["id"] and further["why"]["chosen"] == second
    assert "12345" not in str(shown["attempts"]), "settings of an account are nobody's business here"
    async with shop.shop.db.read() as reader:
        found = await rules_of_version(reader, shop.shop.merchant, "test", 1)
    assert found is not None and isinstance(found.rules, Rules)
    assert replay(further["why"], found.rules) == second
    assert "attempts" not in (await shop.gets(f"/v1/payments/{payment['id']}")).json


async def test_an_account_that_nothing_happened_to_is_healthy(shop: Client) -> None:
    (health,) = (await shop.gets(HEALTH)).json["data"]
    assert (health["status"], health["circuit"], health["outcomes"]) == ("healthy", "closed", 0)
    assert (health["success_basis_points"], health["last_error"]) == (None, None)


async def test_the_outcomes_of_an_account_make_its_health(shop: Client, second: str) -> None:
    await shop.posts(RULES, {"rules": [], "samples_min": 3})
    bank = shop.shop.bank
    bank.to_create.extend([Declined(Failure.DECLINED, "E1", "no"), Declined(Failure.DECLINED, "E1", "no")])
    bank.to_create.append(Paid((receipt(baht(150)),)))
    bank.to_create.append(Declined(Failure.PAYER_CANCELLED, "E2", "no"))
    for _ in range(4):
        await shop.charges()
    first, other = (await shop.gets(HEALTH)).json["data"]
    assert (first["status"], first["outcomes"], first["success_basis_points"]) == ("degraded", 3, 3333)
    assert first["last_error"]["code"] == "declined"
    assert (other["account"], other["status"]) == (second, "healthy")


async def test_an_open_circuit_is_shown(shop: Client, second: str) -> None:
    shop.shop.open_circuits.add(second)
    _, health = (await shop.gets(HEALTH)).json["data"]
    assert (health["status"], health["circuit"]) == ("degraded", "open")


async def test_nobody_sees_the_accounts_of_another_shop(shop: Client, second: str) -> None:
    async with gateway(shop.shop.db) as other:
        (health,) = (await other.gets(HEALTH)).json["data"]
        assert health["account"] != second
        told = await other.posts(RULES, {"rules": [{"use": [{"account": second}]}]})
        assert told.code == "routing_account_unknown"


async def test_a_payment_may_be_asked_for_through_one_provider_only(shop: Client, second: str) -> None:
    first = (await shop.charges())["provider"]
    assert (await shop.charges(provider="second"))["provider"] == "second" != first
    await shop.posts(RULES, {"rules": [{"use": [{"account": second}]}]})
    made = await shop.charges(provider=first)
    assert made["provider"] == first, "a rule that names only others has no say"


async def test_a_provider_without_an_account_that_offers_the_method_is_named(shop: Client) -> None:
    order = {"amount": 15_000, "currency": "THB", "method": "promptpay", "provider": "kbank"}
    told = await shop.posts("/v1/payments", order)
    assert told.no == (400, "method_unavailable", "method")
    assert "at kbank" in told.json["detail"]
