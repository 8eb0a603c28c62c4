"""What a merchant decides about money that does not fit, and the test clock."""

from __future__ import annotations

from litestar import Response, get, post

from quickkub.api import money_schema as words
from quickkub.api import schema
from quickkub.api.lists import answer
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.kernel.errors import Kind, Refusal
from quickkub.merchants.return_list import ReturnAddressInvalid, replace_return_list, return_list
from quickkub.merchants.rules import MoneyRules, change_money_rules, money_rules
from quickkub.payments import test_clock


class TestModeOnly(Refusal):
    """Time passes by itself in live mode."""

    code, kind = "test_mode_only", Kind.FORBIDDEN


GET = Operation(id="getSettings", needs="settings:read", summary="Look at your rules", answers=words.Settings)


@get("/v1/settings", opt=says(GET))
async def get_settings(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    async with request.services.db.read() as reader:
        rules = await money_rules(reader, request.caller.merchant)
        return _shown(rules, await return_list(reader, request.caller.merchant))


CHANGE = Operation(
    id="changeSettings",
    needs="settings:write",
    summary="Change your rules",
    description=(
        "A payment short or over by no more than your tolerance counts as paid; what is over is owed to the "
        "payer. A `return_url` of a payment has to be on your list. Both modes share these rules."
    ),
    answers=words.Settings,
    body=words.ChangeSettings,
    refusals=(ReturnAddressInvalid,),
)


@post("/v1/settings", status_code=200, opt=says(CHANGE))
async def change_settings(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.ChangeSettings)
    request.query(schema.NoQuery)
    async with request.services.db.transaction() as tx:
        rules = await change_money_rules(
            tx,
            request.caller.merchant,
            under=said.under_tolerance,
            over=said.over_tolerance,
            orphans=said.orphan_payments,
            unique_satang=said.unique_satang,
            step_up_over=said.refund_step_up_over,
        )
        if said.return_addresses is None:
            addresses = await return_list(tx, request.caller.merchant)
        else:
            addresses = await replace_return_list(tx, request.caller.merchant, said.return_addresses)
    return _shown(rules, addresses)


def _shown(rules: MoneyRules, addresses: list[str]) -> Response[bytes]:
    return answer(
        {
            "object": "settings",
            "under_tolerance": rules.under,
            "over_tolerance": rules.over,
            "orphan_payments": rules.orphans,
            "unique_satang": rules.unique_satang,
            "refund_step_up_over": rules.step_up_over,
            "return_addresses": addresses,
        }
    )


CLOCK = Operation(
    id="getTestClock",
    needs="settings:read",
    summary="How far the test clock is ahead",
    answers=words.TestClock,
    refusals=(TestModeOnly,),
)


@get("/v1/test/clock", opt=says(CLOCK))
async def get_test_clock(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    _refuse_live(request)
    return _clock(await test_clock.seconds_ahead(request.services.db, request.caller.merchant))


ADVANCE = Operation(
    id="advanceTestClock",
    needs="test:write",
    summary="Let time pass in test mode",
    description=(
        "Everything that was to happen within that time is due now: expiry, inquiries, retries of webhooks. "
        "What has happened keeps its time. The clocks of the simulators are their own."
    ),
    answers=words.TestClock,
    body=words.AdvanceTestClock,
    refusals=(TestModeOnly,),
)


@post("/v1/test/clock", status_code=200, opt=says(ADVANCE))
async def advance_test_clock(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.AdvanceTestClock)
    request.query(schema.NoQuery)
    _refuse_live(request)
    return _clock(
        await test_clock.advance(request.services.db, request.caller.merchant, said.advance_seconds)
    )


def _refuse_live(request: ApiRequest) -> None:
    if request.caller.mode != "test":
        raise TestModeOnly("use a test key")


def _clock(seconds: int) -> Response[bytes]:
    return answer({"object": "test_clock", "seconds_ahead": seconds})


ROUTES = (get_settings, change_settings, get_test_clock, advance_test_clock)
