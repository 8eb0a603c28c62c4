"""The audit log over HTTP: what is shown, to whom, and that looking is written down."""

from __future__ import annotations

from typing import Any

import pytest

from quickkub.access.permissions import Role
from quickkub.audit import Act, record
from quickkub.kernel.ids import new_id
from quickkub.storage import Database
from quickkub.storage.scope import house
from tests.support.api import Client
from tests.support.rows import add_shop
from tests.support.team import team

PATH = "/v1/audit_logs"
PLATFORM = "/v1/platform/audit_logs"


@pytest.fixture
async def told(same_shop: Client) -> Client:
    """A shop that changed its rules from a browser somewhere."""
    changed = await same_shop.posts("/v1/settings", {"under_tolerance": 500}, **{"User-Agent": "Firefox"})
    assert changed.status == 200, changed.body
    return same_shop


async def entries(client: Client, query: str = "", path: str = PATH) -> list[dict[str, Any]]:
    told = await client.gets(f"{path}{query}")
    assert told.status == 200, told.body
    found: list[dict[str, Any]] = told.json["data"]
    return found


async def test_an_entry_says_who_did_what_from_where_with_what_was_before_and_after(told: Client) -> None:
    newest = (await entries(told, "?action=settings.changed"))[0]
    assert newest["object"] == "audit_log" and newest["id"].startswith("aud_")
    assert newest["actor"]["kind"] == "key" and newest["actor"]["id"].startswith("key_")
    assert newest["user_id"] is None
    assert newest["resource"] == {"type": "settings", "id": told.shop.merchant}
    assert newest["details"]["after"]["under_tolerance"] == 500
    assert newest["ip_address"] == "127.0.0.0/24"
    assert newest["user_agent"] == "Firefox"
    assert newest["request_id"].startswith("req_")
    assert newest["outcome"] == "done"
    assert (await told.gets(f"{PATH}/{newest['id']}")).json == newest


async def test_looking_is_written_down_after_what_was_seen(told: Client) -> None:
    before = await entries(told, "?limit=100")
    (look,) = [one for one in await entries(told, "?limit=100") if one["id"] > before[0]["id"]]
    assert (look["action"], look["details"]["after"]["entries"]) == ("audit_log.listed", len(before))
    await told.gets(f"{PATH}/{look['id']}")
    (read,) = (await entries(told, "?action=audit_log.read"))[:1]
    assert read["resource"] == {"type": "audit_log", "id": look["id"]}


async def test_the_list_is_turned_page_by_page(told: Client) -> None:
    for _ in range(4):
        await entries(told)
    first = await told.gets(f"{PATH}?limit=2&action=audit_log.listed")
    assert first.json["has_more"] is True
    last = first.json["data"][-1]["id"]
    second = await entries(told, f"?limit=2&action=audit_log.listed&starting_after={last}")
    assert second[0]["id"] < last


@pytest.mark.parametrize(
    ("query", "some"),
    [
        ("action=settings.changed", True),
        ("action=settings.unknown", False),
        ("resource_type=settings", True),
        ("resource_id=nobody", False),
        ("actor=usr_nobody", False),
        ("created_from=2026-01-01T00:00:00Z", True),
        ("created_before=2026-01-01T00:00:00Z", False),
    ],
)
async def test_what_does_not_fit_the_filters_is_left_out(told: Client, query: str, some: bool) -> None:
    assert bool(await entries(told, f"?{query}")) is some


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("action=Settings", "action"),
        ("created_from=yesterday", "created_from"),
        ("starting_after=pay_1", "starting_after"),
        ("colour=red", "colour"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(told: Client, query: str, param: str) -> None:
    refused = await told.gets(f"{PATH}?{query}")
    assert (refused.status, refused.no[2]) == (400, param)


async def test_another_merchant_s_entries_and_the_other_mode_s_look_like_none(told: Client) -> None:
    with house():
        foreign, live, platform = await strange_entries(told)
    for entry in (foreign, live, platform, new_id("aud"), "aud_1"):
        assert (await told.gets(f"{PATH}/{entry}")).code == "audit_log_not_found"
    assert not {foreign, live, platform} & {one["id"] for one in await entries(told, "?limit=100")}


async def strange_entries(told: Client) -> tuple[str, str, str]:
    """Of another merchant, of the other mode, of the platform."""
    async with told.services.db.transaction() as tx:
        other = (await add_shop(tx)).merchant
        foreign = await record(tx, Act("settings.changed", "settings", other, merchant=other, mode="test"))
        live = await record(tx, Act("key.made", "key", None, merchant=told.shop.merchant, mode="live"))
        platform = await record(tx, Act("merchant.created", "merchant", other))
    return foreign, live, platform


async def test_an_entry_cannot_be_written_changed_or_deleted_over_http(told: Client) -> None:
    entry = (await entries(told))[0]["id"]
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for path in (PATH, f"{PATH}/{entry}"):
            assert (await told.asks(method, path)).status == 405


async def test_operators_read_the_platform_s_log_and_a_merchant_s_and_leave_entries_there(
    database: Database,
) -> None:
    async with team(database) as office:
        merchant = office.merchant
        await office.shop.posts("/v1/settings", {"under_tolerance": 5})
        async with database.transaction() as tx:
            platform = await record(tx, Act("signing_key.rotated", "signing_key", "k1"))
        reviewer = await office.operator(Role.COMPLIANCE)
        own = await entries(reviewer, "?limit=100", PLATFORM)
        assert platform in [one["id"] for one in own]
        (theirs,) = await entries(reviewer, f"?merchant={merchant}&action=settings.changed", PLATFORM)
        assert (await reviewer.gets(f"{PLATFORM}/{theirs['id']}")).json == theirs
        looks = await entries(office.shop, "?action=audit_log.read")
        assert [one["resource"]["id"] for one in looks] == [theirs["id"]]
        assert looks[0]["actor"]["role"] == Role.COMPLIANCE.value
        assert looks[0]["user_id"] == looks[0]["actor"]["id"]
        assert (await office.shop.gets(PLATFORM)).status in (401, 403)
        risk = await office.operator(Role.RISK)
        assert (await risk.gets(PLATFORM)).code == "permission_missing"
