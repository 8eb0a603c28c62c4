"""How each privileged act is done over HTTP: what it needs beforehand, and the request that does it.

An act is entered by its operation's id. The test over all routes tells when one is missing here.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from quickkub.connectors.contract import DisputeNews, DisputeState, Paid
from quickkub.kernel.ids import new_id
from quickkub.kernel.money import baht
from tests.support.api import Client, Told
from tests.support.shop import receipt
from tests.support.team import Team

Request: TypeAlias = "Callable[[], Awaitable[Told]]"
Scenario: TypeAlias = "Callable[[Team], Awaitable[Request]]"

ACTS: Final[dict[str, Scenario]] = {}
HOOKS: Final = "/v1/webhook_endpoints"


@dataclass(frozen=True)
class act:  # noqa: N801 -- a decorator
    """Enters a scenario under an operation's id."""

    operation: str

    def __call__(self, scenario: Scenario) -> Scenario:
        assert self.operation not in ACTS, self.operation
        ACTS[self.operation] = scenario
        return scenario


def posting(client: Client, path: str, words: Any = None) -> Request:
    """A POST with the same Idempotency-Key however often it is sent."""
    once = new_id("key")
    return lambda: client.posts(path, words, once=once)


def deleting(client: Client, path: str) -> Request:
    return lambda: client.asks("DELETE", path)


async def held(team: Team) -> str:
    return str((await team.shop.charges(method="card", capture="manual"))["id"])


async def paid(team: Team) -> str:
    team.shop.shop.bank.to_create.append(Paid((receipt(baht(150), new_id("t")),)))
    return str((await team.shop.charges())["id"])


async def waiting(team: Team) -> str:
    """A refund that a person has to transfer."""
    told = await team.shop.posts("/v1/refunds", {"payment": await paid(team)})
    assert told.json["status"] == "requires_transfer", told.body
    return str(told.json["id"])


async def disputed(team: Team) -> str:
    shop, number = team.shop.shop, new_id("d")
    shop.bank.to_create.append(Paid((receipt(baht(150), number),)))
    payment = await team.shop.charges(method="card")
    (attempt,) = (await shop.sees(payment["id"]))["attempts"]
    shop.bank.dispute = DisputeNews(number, "", baht(150), DisputeState.NEEDS_RESPONSE, "goods_not_provided")
    await shop.is_told({"id": number, "ref": attempt["reference"], "dispute": True})
    await shop.works()
    (row,) = await shop.rows("SELECT id FROM disputes WHERE provider_dispute_id = $1", number)
    return str(row["id"])


async def orphan(team: Team) -> str:
    """The case of money for a reference nobody gave out."""
    shop, number = team.shop.shop, new_id("o")
    shop.bank.to_inquire.append(Paid((receipt(baht(99), number),)))
    await shop.is_told({"id": number, "ref": "NOBODYS", "amount": "99"})
    await shop.works()
    (row,) = await shop.rows("SELECT id FROM cases WHERE details->>'transaction_id' = $1", number)
    return str(row["id"])


async def endpoint(team: Team) -> str:
    """A webhook endpoint of its own; the one before is deleted, since there may be 16."""
    for one in (await team.shop.gets(HOOKS)).json["data"]:
        await team.shop.asks("DELETE", f"{HOOKS}/{one['id']}")
    made = await team.shop.posts(HOOKS, {"url": "http://127.0.0.1:9/hook"})
    return str(made.json["id"])


async def api_key(team: Team) -> str:
    return str(
        (await team.shop.posts("/v1/api_keys", {"name": "till", "scopes": ["payments:read"]})).json["id"]
    )


# --- money ---


@act("cancelPayment")
async def _(team: Team) -> Request:
    payment = await team.shop.charges()
    return posting(team.shop, f"/v1/payments/{payment['id']}/cancel")


@act("capturePayment")
async def _(team: Team) -> Request:
    return posting(team.shop, f"/v1/payments/{await held(team)}/capture", {})


@act("voidPayment")
async def _(team: Team) -> Request:
    return posting(team.shop, f"/v1/payments/{await held(team)}/void")


@act("createRefund")
async def _(team: Team) -> Request:
    return posting(team.shop, "/v1/refunds", {"payment": await paid(team)})


@act("reportRefundTransfer")
async def _(team: Team) -> Request:
    words = {"transfer_reference": new_id("tr")[-20:].upper()}
    return posting(team.shop, f"/v1/refunds/{await waiting(team)}/transferred", words)


@act("cancelRefund")
async def _(team: Team) -> Request:
    return posting(team.shop, f"/v1/refunds/{await waiting(team)}/cancel")


@act("contestDispute")
async def _(team: Team) -> Request:
    content = base64.b64encode(b"\x89PNG signed for").decode()
    files = [{"name": "slip.png", "media_type": "image/png", "content": content}]
    words = {"text": "The payer signed for it.", "files": files}
    return posting(team.shop, f"/v1/disputes/{await disputed(team)}/contest", words)


@act("acceptDispute")
async def _(team: Team) -> Request:
    return posting(team.shop, f"/v1/disputes/{await disputed(team)}/accept")


@act("resolveCase")
async def _(team: Team) -> Request:
    words = {"decision": "accept", "note": "It was a test."}
    return posting(team.shop, f"/v1/cases/{await orphan(team)}/resolve", words)


# --- rules, keys, webhooks ---


@act("changeSettings")
async def _(team: Team) -> Request:
    return posting(team.shop, "/v1/settings", {"under_tolerance": 1})


@act("changeRoutingRules")
async def _(team: Team) -> Request:
    return posting(team.shop, "/v1/routing_rules", {"rules": []})


@act("advanceTestClock")
async def _(team: Team) -> Request:
    return posting(team.shop, "/v1/test/clock", {"advance_seconds": 1})


@act("createWebhookEndpoint")
async def _(team: Team) -> Request:
    return posting(team.shop, HOOKS, {"url": "http://127.0.0.1:9/hook"})


@act("updateWebhookEndpoint")
async def _(team: Team) -> Request:
    return posting(team.shop, f"{HOOKS}/{await endpoint(team)}", {"description": "till 3"})


@act("deleteWebhookEndpoint")
async def _(team: Team) -> Request:
    return deleting(team.shop, f"{HOOKS}/{await endpoint(team)}")


@act("rotateWebhookSecret")
async def _(team: Team) -> Request:
    return posting(team.shop, f"{HOOKS}/{await endpoint(team)}/rotate_secret")


@act("redeliverDeadWebhooks")
async def _(team: Team) -> Request:
    return posting(team.shop, f"{HOOKS}/{await endpoint(team)}/redeliver_dead")


@act("replayEvent")
async def _(team: Team) -> Request:
    await endpoint(team)
    await team.shop.charges()
    event = (await team.shop.gets("/v1/events?limit=1")).json["data"][0]["id"]
    return posting(team.shop, f"/v1/events/{event}/replay")


@act("createApiKey")
async def _(team: Team) -> Request:
    return posting(team.shop, "/v1/api_keys", {"name": "till", "scopes": ["payments:read"]})


@act("rollApiKey")
async def _(team: Team) -> Request:
    return posting(team.shop, f"/v1/api_keys/{await api_key(team)}/roll")


@act("revokeApiKey")
async def _(team: Team) -> Request:
    return posting(team.shop, f"/v1/api_keys/{await api_key(team)}/revoke")
