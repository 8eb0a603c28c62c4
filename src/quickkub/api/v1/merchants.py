"""The merchant who asks: what it says about itself, its limits, fees and settlement account."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get, post

from quickkub.access.emails import EmailInvalid, read_email
from quickkub.api import access_schema, schema
from quickkub.api import merchant_schema as words
from quickkub.api.lists import answer
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.api.text import plain_text, web_address
from quickkub.merchants import approvals, limits, profile, settlement_account

PATH = "/v1/merchant"
_MAILS = ("email", "support_email")
_LETTERS_MAX = 500

GET = Operation(
    id="getMerchant", needs="merchant:read", summary="Look at your merchant", answers=words.Merchant
)


@get(PATH, opt=says(GET))
async def get_merchant(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    async with request.services.db.read() as reader:
        return answer(await profile.profile(reader, request.caller.merchant))


CHANGE = Operation(
    id="changeMerchant",
    needs="merchant:write",
    summary="Change your particulars, or how payers see you",
    answers=words.Merchant,
    body=words.ChangeMerchant,
    refusals=(EmailInvalid,),
)


@post(PATH, status_code=200, opt=says(CHANGE))
async def change_merchant(request: ApiRequest) -> Response[bytes]:
    said = _plain(await request.words(words.ChangeMerchant))
    request.query(schema.NoQuery)
    async with request.services.db.transaction() as tx:
        return answer(await profile.change(tx, request.caller.merchant, said))


def _plain(said: words.ChangeMerchant) -> dict[str, str | None]:
    """What was said, in the form it is kept in."""
    given: dict[str, Any] = {
        name: value for name, value in msgspec.structs.asdict(said).items() if value is not msgspec.UNSET
    }
    return {name: None if value is None else _plain_one(name, value) for name, value in given.items()}


def _plain_one(name: str, value: str) -> str:
    if name in _MAILS:
        return read_email(value, name).written
    return (
        web_address(value, name) if name == "website" else plain_text(value, name, letters_max=_LETTERS_MAX)
    )


LIMITS = Operation(
    id="getLimits",
    needs="merchant:read",
    summary="The most you may ask payers for",
    answers=words.Limits,
)


@get(f"{PATH}/limits", opt=says(LIMITS))
async def get_limits(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    async with request.services.db.read() as reader:
        found = await limits.limits(reader, request.caller.merchant)
    return answer({"object": "limits", "limits": [limits.view_of(one) for one in found]})


ACCOUNT = Operation(
    id="getSettlementAccount",
    needs="settlement:read",
    summary="Where you are paid out to",
    answers=words.SettlementAccount,
    refusals=(settlement_account.NoSettlementAccount,),
)


@get(f"{PATH}/settlement_account", opt=says(ACCOUNT))
async def get_settlement_account(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    async with request.services.db.read() as reader:
        return answer(await settlement_account.current(reader, request.caller.merchant))


PROPOSE = Operation(
    id="proposeSettlementAccount",
    needs="settlement:write",
    summary="Ask to be paid out to another account",
    description="It counts once another person has approved it, and payouts then wait for 72 hours.",
    answers=access_schema.Approval,
    status=202,
    body=words.ProposeSettlementAccount,
)


@post(f"{PATH}/settlement_account", status_code=202, opt=says(PROPOSE))
async def propose_settlement_account(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.ProposeSettlementAccount)
    request.query(schema.NoQuery)
    holder = plain_text(said.holder, "holder", letters_max=100)
    async with request.services.db.transaction() as tx:
        asked = await settlement_account.propose(
            tx,
            request.services.vault,
            request.caller,
            bank=said.bank,
            number=said.account_number,
            holder=holder,
        )
    return answer(approvals.view_of(asked), status=202)


ROUTES = (get_merchant, change_merchant, get_limits, get_settlement_account, propose_settlement_account)
