"""One object of every kind that a merchant can have, made over HTTP wherever it can be.

A kind is the name of a path parameter. A route about a kind that is not here fails the test over all routes,
so whoever adds a route adds its kind.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from quickkub.kernel.ids import new_id
from tests.support import privileged_acts as acts
from tests.support import privileged_privacy as privacy
from tests.support.team import Team

Maker: TypeAlias = "Callable[[Team], Awaitable[str]]"

PNG: Final = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002"
        "000001e221bc330000000049454e44ae426082"
    )
).decode()
KYC: Final = {
    "legal_form": "company",
    "legal_name": "Som Tam Co., Ltd.",
    "registration_number": "0105561000001",
    "address": "1 Silom Road, Bangkok",
    "business": "Papaya salad",
    "people": [{"name": "Somsri", "role": "director", "id_number": "AB12345"}],
}


async def made(team: Team, path: str, words: object, role: str | None = None) -> str:
    client = team.shop if role is None else await team.member(role)
    told = await client.posts(path, words)
    assert told.status in {200, 201, 202}, told.body
    return str(told.json["id"])


async def newest(team: Team, path: str) -> str:
    told = await team.shop.gets(f"{path}?limit=1")
    return str(told.json["data"][0]["id"])


async def account(team: Team) -> str:
    (row,) = await team.shop.shop.rows(
        "SELECT id FROM provider_accounts WHERE merchant_id = $1 LIMIT 1", team.merchant
    )
    return str(row["id"])


async def approval(team: Team) -> str:
    words = {"bank": "004", "account_number": "1234567890", "holder": "Som Tam Co."}
    return await made(team, "/v1/merchant/settlement_account", words, "owner")


async def member(team: Team) -> str:
    joined = await team.member("viewer")
    return str((await joined.services.tokens.caller(str(joined.key))).user_id)  # type: ignore[union-attr]


async def merchant(team: Team) -> str:
    return str(team.merchant)


async def review(team: Team) -> str:
    rule = {
        "id": "everything",
        "owner": "risk",
        "reason": {"en": "All of it.", "th": "ทั้งหมด"},
        "action": "review",
        "mode": "live",
        "when": {"field": "amount", "operator": "above", "value": 1},
    }
    told = await team.shop.posts("/v1/fraud/rules", {"rules": [rule]})
    assert told.status == 200, told.body
    await team.shop.charges(method="card", payer={"ip_address": "203.0.113.9"})
    return await newest(team, "/v1/fraud/reviews")


async def entry(team: Team) -> str:
    one = {"kind": "email", "value": "thief@example.com", "reason": "chargeback"}
    told = await team.shop.posts("/v1/fraud/lists", {"list": "block", "entries": [one]})
    assert told.status == 200, told.body
    return await newest(team, "/v1/fraud/lists")


async def hold(team: Team) -> str:
    """Of somebody nobody knows, so that nothing else is kept by it."""
    return (await privacy.held(team, await privacy.compliance(team))).rpartition("/")[2]


OAUTH: Final = {"name": "POS", "grant_types": ["client_credentials"], "scopes": ["payments:read"]}

MAKERS: Final[dict[str, Maker]] = {
    "merchant": merchant,
    "endpoint": acts.endpoint,
    "payment": acts.held,
    "refund": acts.waiting,
    "dispute": acts.disputed,
    "case": acts.orphan,
    "event": lambda team: newest(team, "/v1/events"),
    "audit_log": lambda team: newest(team, "/v1/audit_logs"),
    "delivery": lambda team: newest(team, "/v1/webhook_deliveries"),
    "api_key": acts.api_key,
    "account": account,
    "member": member,
    "invitation": lambda team: made(
        team, "/v1/invitations", {"email": f"{new_id('p')}@example.com", "role": "viewer"}, "owner"
    ),
    "approval": approval,
    "application": lambda team: made(team, "/v1/merchant/kyc", KYC, "owner"),
    "document": lambda team: made(
        team, "/v1/merchant/kyc/documents", {"kind": "company_certificate", "content": PNG}, "owner"
    ),
    "oauth_client": lambda team: made(team, "/v1/oauth_clients", OAUTH),
    "privacy_request": lambda team: made(
        team, "/v1/privacy/requests", {"kind": "erasure", "person": {"email": "who@example.com"}}, "owner"
    ),
    "hold": hold,
    # The last ones: from here on every payment is looked at.
    "entry": entry,
    "review": review,
    "decision": lambda team: newest(team, "/v1/fraud/decisions"),
}
"""In this order: an endpoint has to be there before there is something to deliver."""
