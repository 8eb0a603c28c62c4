"""A payer and an owner known by unlikely words: no answer of the API tells them to who only reads (5.7)."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from litestar.handlers import HTTPRouteHandler

from quickkub.access.permissions import Role
from quickkub.api import operators, v1
from quickkub.api.operations import OPT_KEY, Operation
from quickkub.storage import open_database
from quickkub.storage.scope import HOUSE
from tests.security.belongings import KYC, MAKERS
from tests.support import privileged_acts as acts
from tests.support import privileged_privacy as privacy
from tests.support.api import Client
from tests.support.postgres import TestServer
from tests.support.team import Team, team

PAYER: Final = {
    "name": "Kanarie Vogelsang",
    "email": "kanarie.vogelsang@example.com",
    "phone": "0897316425",
    "ip_address": "203.0.113.177",
    "device_id": "device-kanarie-1",
}
ACCOUNT: Final = "7316425981"
OWNER: Final = {"name": "Vogelsang Kanarie", "role": "director", "id_number": "ZX7654321"}
RULE: Final = {
    "id": "everything",
    "owner": "risk",
    "reason": {"en": "All of it.", "th": "ทั้งหมด"},
    "action": "review",
    "mode": "live",
    "when": {"field": "amount", "operator": "above", "value": 1},
}
WORDS: Final = {
    "name": re.compile("Kanarie|Vogelsang", re.IGNORECASE),
    "phone": re.compile(r"897[- ]?316[- ]?425"),
    "ip address": re.compile(re.escape(PAYER["ip_address"])),
    "account": re.compile(ACCOUNT),
    "id number": re.compile(OWNER["id_number"]),
}

IN_FULL: Final[dict[str, str]] = {
    "getRefund": "to whoever makes the transfer: the permission refunds:write",
    "readKycApplication": "whoever checks merchants reads their papers",
}
"""Operations that tell somebody in full to whom it is their work."""


@pytest.fixture(scope="module")
async def office(postgres_server: TestServer) -> AsyncIterator[Team]:
    async with postgres_server.fresh_database() as dsn:
        database = await open_database(dsn, size_max=5, scope=HOUSE)
        async with team(database) as opened:
            yield opened
        await database.close()


async def made(client: Client, path: str, words: Any) -> dict[str, Any]:
    told = await client.posts(path, words)
    assert told.status in {200, 201, 202}, told.body
    answer: dict[str, Any] = told.json
    return answer


async def known(office: Team) -> dict[str, list[str]]:
    """The person in every kind of object; ids by kind."""
    shop, owner = office.shop, await office.member("owner")
    await made(shop, "/v1/fraud/rules", {"rules": [RULE]})
    await shop.charges(method="card", payer=PAYER)
    await made(shop, "/v1/fraud/rules", {"rules": [RULE | {"mode": "shadow"}]})
    where = {"bank": "014", "account": ACCOUNT, "name": PAYER["name"]}
    refund = await made(shop, "/v1/refunds", {"payment": await acts.paid(office), "destination": where})
    entries = [{"kind": kind, "value": PAYER[kind], "reason": "chargeback"} for kind in ("email", "phone")]
    await made(shop, "/v1/fraud/lists", {"list": "block", "entries": entries})
    person = {kind: PAYER[kind] for kind in ("name", "email", "phone")}
    await made(owner, "/v1/privacy/requests", {"kind": "erasure", "person": person})
    settled = {"bank": "004", "account_number": ACCOUNT, "holder": PAYER["name"]}
    approval = await made(owner, "/v1/merchant/settlement_account", settled)
    application = await made(owner, "/v1/merchant/kyc", KYC | {"people": [OWNER]})
    await privacy.held(office, await privacy.compliance(office))
    ids: dict[str, list[str]] = defaultdict(list)
    ids |= {"refund": [refund["id"]], "approval": [approval["id"]], "application": [application["id"]]}
    ids["merchant"] = [str(office.merchant)]
    for kind, path in LISTS.items():
        listed = await (owner if "privacy" in path else shop).gets(f"{path}?limit=2")
        ids[kind] += [str(one["id"]) for one in listed.json["data"]]
        assert ids[kind], kind
    return ids


LISTS: Final = {
    "payment": "/v1/payments",
    "event": "/v1/events",
    "audit_log": "/v1/audit_logs",
    "decision": "/v1/fraud/decisions",
    "review": "/v1/fraud/reviews",
    "entry": "/v1/fraud/lists",
    "privacy_request": "/v1/privacy/requests",
}


def addresses(route: HTTPRouteHandler, ids: dict[str, list[str]]) -> list[str]:
    """The route for every object there is of its kinds."""
    (path,) = route.paths
    kinds = re.findall(r"\{(\w+):\w+\}", path)
    assert set(kinds) <= set(MAKERS), path
    found = itertools.product(*(ids.get(kind, []) for kind in kinds))
    return [re.sub(r"\{\w+:\w+\}", "{}", path).format(*one) for one in found]


async def test_nobody_who_only_reads_is_told_who_a_person_is(office: Team) -> None:
    ids = await known(office)
    readers: dict[str, tuple[Client, tuple[HTTPRouteHandler, ...]]] = {
        name: (await office.member(name), v1.ROUTES) for name in ("viewer", "auditor", "finance", "owner")
    }
    readers["secret key"] = (office.shop, v1.ROUTES)
    for name in ("compliance", "risk", "security_admin"):
        readers[name] = (await office.operator(Role(name)), operators.ROUTES)
    told, answered = defaultdict(set), 0
    for name, (client, routes) in readers.items():
        for route in routes:
            operation: Operation = route.opt[OPT_KEY]
            if route.http_methods != {"GET"}:
                continue
            for path in addresses(route, ids):
                answer = await client.gets(path)
                answered += answer.status == 200
                text = answer.body.decode("utf-8", "replace")
                for what, pattern in WORDS.items():
                    if pattern.search(text):
                        told[operation.id].add((name, what))
    assert answered > 100
    assert {one: sorted(who) for one, who in told.items() if one not in IN_FULL} == {}
    assert set(told) == set(IN_FULL), "take out of the list what tells nothing any more"
    assert {name for name, _ in told["getRefund"]} == {"owner", "finance", "secret key"}
