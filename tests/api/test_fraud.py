"""Fraud over HTTP: rules, lists, decisions, reviews, and what a payment says of its payer."""

from __future__ import annotations

from typing import Any

from tests.support.api import Client, key_for
from tests.support.shop import open_shop

RULE: dict[str, Any] = {
    "id": "many-of-one-card",
    "owner": "risk",
    "reason": {"en": "One card again and again.", "th": "บัตรเดิมซ้ำ ๆ"},
    "action": "review",
    "mode": "live",
    "when": {"field": "card.10m.count", "operator": "at_least", "value": 2},
}
PAYER = {"card_fingerprint": "fingerprint-1", "card_bin": "411111", "ip_address": "203.0.113.9"}


async def posts(client: Client, path: str, words: Any) -> Any:
    told = await client.asks("POST", path, words=words)
    assert told.status == 200, told.body
    return told.json


async def changes(client: Client, *rules: dict[str, Any], **more: Any) -> Any:
    return await posts(client, "/v1/fraud/rules", {"rules": [*rules], **more})


async def pays(client: Client, **payer: Any) -> dict[str, Any]:
    return await client.charges(method="card", payer={**PAYER, **payer})


async def test_rules_get_versions_of_their_own_and_only_what_changed_gets_a_new_one(shop: Client) -> None:
    other = {**RULE, "id": "other"}
    first = await changes(shop, RULE, other)
    second = await changes(shop, {**RULE, "weight": 5}, other, replaces=1)
    assert (first["version"], second["version"]) == (1, 2)
    assert [rule["version"] for rule in second["rules"]] == [2, 1]
    assert (await shop.gets("/v1/fraud/rules")).json == second
    assert (await shop.gets("/v1/fraud/rules?version=1")).json == first
    late = await shop.asks("POST", "/v1/fraud/rules", words={"rules": [], "replaces": 1})
    assert late.no == (409, "fraud_rules_changed", "replaces")


async def test_a_rule_that_cannot_be_read_is_refused_with_its_place(shop: Client) -> None:
    for when, param in (
        ({"field": "card.10m.cont", "operator": "at_least", "value": 2}, "rules[0].when.field"),
        ({"all": []}, "rules[0].when.all"),
        ({"field": "amount", "operator": "above", "value": "2"}, "rules[0].when.value"),
        ({"field": "amount", "operator": "above", "value": 2.5}, "rules[0].when.value"),
        ({"field": "method", "operator": "one_of", "value": [1e9]}, "rules[0].when.value[0]"),
        ({"field": "email", "operator": "equals", "value": "a@b.c"}, "rules[0].when.value"),
    ):
        told = await shop.asks("POST", "/v1/fraud/rules", words={"rules": [{**RULE, "when": when}]})
        assert told.no == (400, "fraud_rule_invalid", param)


async def test_the_starter_rules_can_be_taken_as_they_are_in_shadow(shop: Client) -> None:
    starter = (await shop.gets("/v1/fraud/rules?starter=true")).json
    words = {name: starter[name] for name in ("rules", "bands", "review_hours", "on_expiry")}
    taken = await posts(shop, "/v1/fraud/rules", words)
    assert len(taken["rules"]) == len(starter["rules"]) > 20
    assert {rule["mode"] for rule in taken["rules"]} == {"shadow"}


async def test_a_decision_tells_what_it_looked_at_and_comes_out_the_same_again(shop: Client) -> None:
    await changes(shop, RULE)
    await pays(shop)
    payment = await pays(shop)
    (decision,) = (await shop.gets(f"/v1/fraud/decisions?payment={payment['id']}")).json["data"]
    assert (decision["action"], decision["decided_by"]) == ("review", "rule:many-of-one-card")
    assert decision["inputs"]["counters"]["card"][1][0] == 2
    assert "fingerprint-1" not in str(decision)
    again = await posts(shop, f"/v1/fraud/decisions/{decision['id']}/replay", {})
    assert (again["same"], again["differences"]) == (True, [])


async def test_a_review_is_decided_once_and_says_who_and_why(shop: Client) -> None:
    await changes(shop, {**RULE, "when": {"field": "amount", "operator": "above", "value": 1}})
    payment = await pays(shop)
    (review,) = (await shop.gets("/v1/fraud/reviews?status=open")).json["data"]
    assert (review["payment"], review["reasons"][0]["th"]) == (payment["id"], "บัตรเดิมซ้ำ ๆ")
    done = await posts(shop, f"/v1/fraud/reviews/{review['id']}/approve", {"note": "A regular."})
    assert (done["status"], done["note"], done["decided_by"][:4]) == ("approved", "A regular.", "key_")
    path = f"/v1/fraud/reviews/{review['id']}/decline"
    assert (await shop.asks("POST", path, words={"note": "No."})).no == (409, "fraud_review_closed", "id")


async def test_a_rule_is_played_against_the_last_days_before_it_counts(shop: Client) -> None:
    await changes(shop, {**RULE, "mode": "shadow"})
    for _ in range(3):
        await pays(shop)
    tried = {
        **RULE,
        "action": "block",
        "when": {"field": "card.10m.count", "operator": "at_least", "value": 3},
    }
    told = await posts(shop, "/v1/fraud/backtests", {"rule": tried, "days": 7})
    assert (told["payments"], told["hit"], told["hit_amount"]) == (3, 1, 15_000)
    assert told["changed"] == {"allow -> block": 1}


async def test_whoever_is_listed_is_blocked_until_taken_off(shop: Client) -> None:
    await changes(shop, {**RULE, "mode": "shadow"})
    entry = {"kind": "email", "value": "Thief+x@Example.com", "reason": "chargeback"}
    added = await posts(shop, "/v1/fraud/lists", {"list": "block", "entries": [entry]})
    assert added["entries"] == 1
    assert (await pays(shop, email="thief@example.com"))["failure"]["code"] == "fraud_suspected"
    (listed,) = (await shop.gets("/v1/fraud/lists")).json["data"]
    assert listed["value"] == "t***@example.com"
    await posts(shop, f"/v1/fraud/lists/{listed['id']}/remove", {})
    assert (await pays(shop, email="thief@example.com"))["status"] == "requires_action"
    assert (await shop.gets("/v1/fraud/lists")).json["data"] == []


async def test_a_file_is_taken_whole_or_not_at_all(shop: Client) -> None:
    async def uploads(text: str) -> Any:
        raw, kind = text.encode(), {"Content-Type": "text/csv"}
        return await shop.asks("POST", "/v1/fraud/lists/upload?list=block", raw=raw, headers=kind)

    wrong = await uploads("kind,value,reason\nphone,0812345678,x\nphone,abc,x\nfax,1,x\n")
    assert wrong.no == (400, "fraud_list_invalid", "body")
    assert "line 3: value" in wrong.json["detail"] and "line 4: kind" in wrong.json["detail"]
    assert (await shop.gets("/v1/fraud/lists")).json["data"] == []
    right = await uploads("kind,value,reason\nphone,081-234-5678,x\nnetwork,203.0.113.0/24,y\n")
    assert right.json["entries"] == 2
    await changes(shop, {**RULE, "mode": "shadow"})
    assert (await pays(shop))["status"] == "failed"


async def test_nobody_sees_another_merchant_s_fraud(shop: Client) -> None:
    await changes(shop, {**RULE, "when": {"field": "amount", "operator": "above", "value": 1}})
    await pays(shop)
    (decision,) = (await shop.gets("/v1/fraud/decisions")).json["data"]
    (review,) = (await shop.gets("/v1/fraud/reviews")).json["data"]
    stranger = await open_shop(shop.shop.db)
    other = shop.with_key(await key_for(shop.shop.db, stranger.merchant))
    for kind in ("decisions", "reviews", "lists"):
        assert (await other.gets(f"/v1/fraud/{kind}")).json["data"] == []
    assert (await other.gets("/v1/fraud/rules")).json["version"] == 0
    assert (await other.gets(f"/v1/fraud/decisions/{decision['id']}")).code == "fraud_decision_not_found"
    path = f"/v1/fraud/reviews/{review['id']}/approve"
    assert (await other.asks("POST", path, words={"note": "mine"})).code == "fraud_review_not_found"


async def test_every_change_is_in_the_audit_log(shop: Client) -> None:
    await changes(shop, {**RULE, "when": {"field": "amount", "operator": "above", "value": 1}})
    entry = {"kind": "country", "value": "KP", "reason": "sanctions"}
    await posts(shop, "/v1/fraud/lists", {"list": "block", "entries": [entry]})
    await pays(shop)
    (review,) = (await shop.gets("/v1/fraud/reviews")).json["data"]
    await posts(shop, f"/v1/fraud/reviews/{review['id']}/decline", {"note": "Not them."})
    rows = await shop.shop.rows("SELECT action FROM audit_logs WHERE action LIKE 'fraud%' ORDER BY id")
    assert [row["action"] for row in rows] == [
        "fraud_rules.changed",
        "fraud_list.added",
        "fraud_review.decided",
    ]


async def test_a_card_s_number_is_refused_wherever_it_could_be_said(shop: Client) -> None:
    for name in ("card_fingerprint", "device_id"):
        words = {"amount": 100, "currency": "THB", "method": "card", "payer": {name: "4111111111111111"}}
        assert (await shop.posts("/v1/payments", words)).code == "card_number_refused"
    words = {"amount": 100, "currency": "THB", "method": "card", "payer": {"ip_address": "999.1.1.1"}}
    assert (await shop.posts("/v1/payments", words)).no == (400, "parameter_invalid", "payer.ip_address")
