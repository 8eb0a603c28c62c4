"""Merchants over HTTP: from the platform's first word to being paid, and what takes two people."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest

from quickkub.access.permissions import Role
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.storage import Database
from tests.support.people import add_merchant
from tests.support.team import Team, team
from tests.unit.merchants.test_documents import PNG

MERCHANT, PLATFORM = "/v1/merchant", "/v1/platform/merchants"
ACCOUNT = {"bank": "004", "account_number": "1234567890", "holder": "บริษัท ส้มตำ จำกัด"}
WHO: dict[str, Any] = {
    "legal_form": "company",
    "legal_name": "บริษัท ส้มตำ จำกัด",
    "registration_number": "0105536000315",
    "address": "1 ถนนสุขุมวิท กรุงเทพฯ",
    "business": "Papaya salad",
    "people": [{"name": "สมชาย ใจดี", "role": "director", "id_number": "1101700230708"}],
}


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Team]:
    async with team(database) as opened:
        yield opened


async def test_a_merchant_comes_in_shows_who_it_is_and_is_let_in(office: Team) -> None:
    operator, compliance = await office.operator(Role.OPERATOR), await office.operator(Role.COMPLIANCE)
    made = await operator.posts(PLATFORM, {"name": "Som Tam", "owner_email": "owner@example.com"})
    assert (made.status, made.json["status"]) == (201, "pending")
    assert "owner@example.com" in {letter.to for letter in await office.people.mail_goes_out()}
    merchant = MerchantId(made.json["id"])
    owner = await office.member("owner", merchant=merchant)
    application = (await owner.posts(f"{MERCHANT}/kyc", WHO)).json["id"]
    paper = {"kind": "company_certificate", "content": base64.b64encode(PNG).decode()}
    document = (await owner.posts(f"{MERCHANT}/kyc/documents", paper)).json["id"]
    one = f"{PLATFORM}/{merchant}"
    assert (await compliance.posts(f"{one}/approve", {"reason": "in a hurry"})).code == "kyc_not_approved"
    assert (await compliance.gets(f"{one}/kyc")).json["said"]["people"][0]["id_number"] == "1101700230708"
    shown = (await compliance.gets(f"{one}/documents/{document}")).json
    assert base64.b64decode(shown["content"]) == PNG
    for path in (f"kyc/{application}", f"documents/{document}"):
        assert (await compliance.posts(f"{one}/{path}/decide", {"decision": "approve"})).status == 200
    assert (await compliance.posts(f"{one}/approve", {"reason": "all papers fit"})).json["status"] == "active"
    standing = (await owner.gets(f"{MERCHANT}/kyc")).json
    assert standing["application"]["status"] == standing["documents"][0]["status"] == "approved"


async def test_a_suspended_merchant_s_requests_are_refused_until_it_is_reinstated(office: Team) -> None:
    risk, operator = await office.operator(Role.RISK), await office.operator(Role.OPERATOR)
    one = f"{PLATFORM}/{office.merchant}"
    assert (await risk.posts(f"{one}/suspend", {"reason": "too many disputes"})).json["status"] == "suspended"
    office.shop.services.keys.forget()
    assert (await office.shop.gets("/v1/payments")).code == "merchant_inactive"
    assert (await risk.posts(f"{one}/reinstate", {"reason": "x"})).code == "permission_missing"
    assert (await operator.posts(f"{one}/reinstate", {"reason": "explained"})).json["status"] == "active"
    office.shop.services.keys.forget()
    assert (await office.shop.gets("/v1/payments")).status == 200
    assert (await operator.posts(f"{one}/reinstate", {"reason": "again"})).code == "wrong_state"


async def test_limits_set_by_the_platform_hold_for_the_next_payment(office: Team) -> None:
    risk = await office.operator(Role.RISK)
    wanted = {"limits": [{"per_payment": 10_000}, {"method": "card", "per_day": 5_000}]}
    assert (await risk.posts(f"{PLATFORM}/{office.merchant}/limits", wanted)).status == 200
    order = {"amount": 15_000, "currency": "THB", "method": "promptpay"}
    assert (await office.shop.posts("/v1/payments", order)).no == (422, "merchant_limit_exceeded", "amount")
    seen = (await office.shop.gets(f"{MERCHANT}/limits")).json["limits"]
    assert [one["method"] for one in seen] == [None, "card"]
    twice = {"limits": [{"per_payment": 1}, {"per_payment": 2}]}
    assert (await risk.posts(f"{PLATFORM}/{office.merchant}/limits", twice)).status == 400


async def test_fee_plans_are_set_by_the_platform_and_seen_by_the_merchant(office: Team) -> None:
    operator = await office.operator(Role.OPERATOR)
    plans = f"{PLATFORM}/{office.merchant}/fee_plans"
    added = await operator.posts(plans, {"percent": "2.650", "fixed_satang": 300, "method": "card"})
    assert (added.status, added.json["percent"], added.json["ends_at"]) == (201, "2.65", None)
    later = {"percent": "2", "method": "card", "begins_at": "2030-01-01T00:00:00+07:00"}
    assert (await operator.posts(plans, later)).json["begins_at"] == "2029-12-31T17:00:00Z"
    seen = (await office.shop.gets("/v1/fee_plans")).json["data"]
    assert [one["percent"] for one in seen] == ["2.65", "2"]
    assert seen[0]["ends_at"] == seen[1]["begins_at"]
    for wrong in ({"percent": "-1"}, {"percent": "101"}, {"percent": 2.5}, {"percent": "1e1"}):
        assert (await operator.posts(plans, wrong)).status == 400
    assert (await operator.posts(plans, {"percent": "1", "method": "card"})).code == "fee_plan_overlaps"


async def test_a_settlement_account_takes_two_people(office: Team) -> None:
    owner, admin = await office.member("owner"), await office.member("admin")
    asked = await owner.posts(f"{MERCHANT}/settlement_account", ACCOUNT)
    assert asked.status == 202 and ACCOUNT["account_number"].encode() not in asked.body
    approve = f"/v1/approvals/{asked.json['id']}/approve"
    assert (await owner.posts(approve)).code == "second_person_needed"
    assert (await owner.gets(f"{MERCHANT}/settlement_account")).code == "settlement_account_missing"
    assert (await admin.posts(approve, {"reason": "I called them"})).json["status"] == "approved"
    shown = (await owner.gets(f"{MERCHANT}/settlement_account")).json
    assert (shown["bank"], shown["last_four"]) == ("004", "7890")
    assert (await owner.gets(MERCHANT)).json["payouts_held_until"] is not None
    assert (await admin.posts(approve)).code == "approval_over"
    assert [one["status"] for one in (await owner.gets("/v1/approvals")).json["data"]] == ["approved"]


async def test_a_merchant_of_one_person_borrows_the_platform_s_eyes(office: Team) -> None:
    owner, compliance = await office.member("owner"), await office.operator(Role.COMPLIANCE)
    asked = (await owner.posts(f"{MERCHANT}/settlement_account", ACCOUNT)).json["id"]
    told = await compliance.posts(f"{PLATFORM}/{office.merchant}/approvals/{asked}/approve")
    assert told.json["status"] == "approved"


async def test_no_key_and_no_finance_clerk_alone_moves_the_money_elsewhere(office: Team) -> None:
    finance = await office.member("finance")
    assert (await office.shop.posts(f"{MERCHANT}/settlement_account", ACCOUNT)).code == "permission_missing"
    asked = await finance.posts(f"{MERCHANT}/settlement_account", ACCOUNT)
    assert asked.status == 202
    told = await finance.posts(f"/v1/approvals/{asked.json['id']}/approve")
    assert told.code == "permission_missing"
    assert (await finance.posts(f"/v1/approvals/{asked.json['id']}/withdraw")).json["status"] == "withdrawn"


async def test_what_a_merchant_says_about_itself_is_kept_and_can_be_emptied(office: Team) -> None:
    said = {"display_name": "ส้มตำ", "colour": "#0b5fff", "support_email": "Help@Example.com"}
    changed = (await office.shop.posts(MERCHANT, said)).json
    assert changed["branding"]["display_name"] == "ส้มตำ"
    assert changed["branding"]["support_email"] == "Help@example.com"
    emptied = (await office.shop.posts(MERCHANT, {"colour": None})).json
    assert (emptied["branding"]["colour"], emptied["branding"]["display_name"]) == (None, "ส้มตำ")
    rows = await office.shop.shop.rows(
        "SELECT details FROM audit_logs WHERE action = 'merchant.changed' ORDER BY created_at"
    )
    assert rows[1]["details"] == {"before": {"colour": "#0b5fff"}, "after": {"colour": None}}


@pytest.mark.parametrize(
    "said",
    [
        {"name": None},
        {"name": "a\u202eb"},
        {"colour": "red"},
        {"email": "nobody"},
        {"website": "javascript:alert(1)"},
        {"phone": "๐๘๑๒๓๔๕๖๗๘"},
        {"status": "active"},
        {"tier": "enterprise"},
        {"payouts_held_until": None},
    ],
)
async def test_what_a_merchant_cannot_say_about_itself_is_refused(office: Team, said: dict[str, Any]) -> None:
    assert (await office.shop.posts(MERCHANT, said)).status == 400


async def test_a_document_that_is_not_what_it_should_be_is_refused(office: Team) -> None:
    owner = await office.member("owner")
    page = base64.b64encode(b"<html><script>alert(1)</script></html>").decode()
    told = await owner.posts(f"{MERCHANT}/kyc/documents", {"kind": "id_card", "content": page})
    assert told.code == "document_refused"
    told = await owner.posts(f"{MERCHANT}/kyc/documents", {"kind": "id_card", "content": "%%%%"})
    assert told.no == (400, "parameter_invalid", "content")


async def test_what_was_handed_in_for_another_merchant_is_not_there(office: Team) -> None:
    compliance, owner = await office.operator(Role.COMPLIANCE), await office.member("owner")
    application = (await owner.posts(f"{MERCHANT}/kyc", WHO)).json["id"]
    other = await add_merchant(office.database)
    for ids in (application, new_id("kyc"), "x"):
        told = await compliance.posts(f"{PLATFORM}/{other}/kyc/{ids}/decide", {"decision": "approve"})
        assert told.no == (404, "kyc_not_found", "id")


async def test_the_platform_revokes_a_leaked_key_and_sets_a_key_s_own_rate(office: Team) -> None:
    security, risk = await office.operator(Role.SECURITY_ADMIN), await office.operator(Role.RISK)
    keys = f"{PLATFORM}/{office.merchant}/api_keys"
    (key,) = (await security.gets(f"{keys}?mode=test")).json["data"]
    rate = {"rate": {"per_second": 200, "burst": 400}}
    assert (await risk.posts(f"{keys}/{key['id']}/rate", rate)).json["rate"] == rate["rate"]
    office.shop.services.keys.forget()
    caller = await office.shop.services.keys.caller(office.shop.key or "")
    assert (caller.rate_per_second, caller.rate_burst) == (200, 400)
    assert (await security.posts(f"{keys}/{key['id']}/rate", rate)).code == "permission_missing"
    assert (await security.posts(f"{keys}/{key['id']}/revoke")).json["revoked_at"] is not None
    office.shop.services.keys.forget()
    assert (await office.shop.gets("/v1/payments")).code == "key_refused"
    for missing in (new_id("key"), "x"):
        assert (await security.posts(f"{keys}/{missing}/revoke")).code == "key_not_found"
