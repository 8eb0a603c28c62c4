"""How fraud rules, lists, reviews and provider accounts are changed over HTTP."""

from __future__ import annotations

from typing import Any

from quickkub.access.permissions import Role
from quickkub.connectors import registry
from quickkub.kernel.ids import new_id
from tests.support.api import Client
from tests.support.people import add_merchant
from tests.support.privileged_acts import Request, act, posting
from tests.support.team import Team

RULES, LISTS, ACCOUNTS = "/v1/fraud/rules", "/v1/fraud/lists", "/v1/provider_accounts"
LEGAL = "/v1/platform/fraud/lists"
RULE: dict[str, Any] = {
    "id": "any-amount",
    "owner": "risk",
    "reason": {"en": "Anything.", "th": "ทุกอย่าง"},
    "action": "review",
    "mode": "live",
    "when": {"field": "amount", "operator": "above", "value": 1},
}


def entry() -> dict[str, str]:
    return {"kind": "email", "value": f"{new_id('x')}@example.com", "reason": "chargeback"}


def listed() -> dict[str, Any]:
    return {"list": "block", "entries": [entry()]}


async def reviewed(team: Team) -> str:
    """A review that waits; afterwards the shop has no rules again."""
    shop = team.shop
    assert (await shop.posts(RULES, {"rules": [RULE]})).status == 200
    payment = await shop.charges(method="card", payer={"card_fingerprint": new_id("f")})
    assert (await shop.posts(RULES, {"rules": []})).status == 200
    reviews = (await shop.gets("/v1/fraud/reviews?status=open")).json["data"]
    return str(next(one["id"] for one in reviews if one["payment"] == payment["id"]))


def account() -> dict[str, Any]:
    particulars = dict(registry.connector("linepay").manifest.simulator_account)
    return {"provider": "linepay", "particulars": particulars}


async def merchant_of_its_own(team: Team) -> Client:
    """The owner of a merchant whom no other act concerns."""
    return await team.member("owner", merchant=await add_merchant(team.database))


@act("changeFraudRules")
async def _(team: Team) -> Request:
    return posting(await merchant_of_its_own(team), RULES, {"rules": [RULE]})


@act("addToFraudList")
async def _(team: Team) -> Request:
    return posting(team.shop, LISTS, listed())


@act("uploadFraudList")
async def _(team: Team) -> Request:
    line = ",".join(entry().values())
    file = f"kind,value,reason\n{line}\n".encode()
    path, kind = f"{LISTS}/upload?list=block", {"Content-Type": "text/csv"}
    return lambda: team.shop.asks("POST", path, raw=file, headers=kind)


@act("removeFromFraudList")
async def _(team: Team) -> Request:
    owner = await merchant_of_its_own(team)
    assert (await owner.posts(LISTS, listed())).status == 200
    (one,) = (await owner.gets(LISTS)).json["data"]
    return posting(owner, f"{LISTS}/{one['id']}/remove")


@act("approveFraudReview")
async def _(team: Team) -> Request:
    path = f"/v1/fraud/reviews/{await reviewed(team)}/approve"
    return posting(team.shop, path, {"note": "A regular."})


@act("declineFraudReview")
async def _(team: Team) -> Request:
    return posting(team.shop, f"/v1/fraud/reviews/{await reviewed(team)}/decline", {"note": "No."})


@act("addProviderAccount")
async def _(team: Team) -> Request:
    return posting(await merchant_of_its_own(team), ACCOUNTS, account())


@act("updateProviderAccount")
async def _(team: Team) -> Request:
    owner = await merchant_of_its_own(team)
    made = (await owner.posts(ACCOUNTS, account())).json["id"]
    return posting(owner, f"{ACCOUNTS}/{made}", {"enabled": False})


@act("addToLegalList")
async def _(team: Team) -> Request:
    operator = await team.operator(Role.BREAK_GLASS)
    return posting(operator, LEGAL, {"entries": [entry()]})


@act("removeFromLegalList")
async def _(team: Team) -> Request:
    operator = await team.operator(Role.BREAK_GLASS)
    assert (await operator.posts(LEGAL, {"entries": [entry()]})).status == 200
    newest = (await operator.gets(LEGAL)).json["data"][0]
    return posting(operator, f"{LEGAL}/{newest['id']}/remove")
