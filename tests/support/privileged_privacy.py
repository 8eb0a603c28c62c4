"""How people's data is asked for, erased, exported and held over HTTP."""

from __future__ import annotations

from typing import Any, Final

from quickkub.access.permissions import Role
from quickkub.connectors.contract import Paid
from quickkub.kernel.ids import new_id
from quickkub.kernel.money import baht
from quickkub.privacy.index import catch_up
from tests.support.api import Client
from tests.support.privileged_acts import Request, act, posting
from tests.support.shop import receipt
from tests.support.team import Team

REQUESTS: Final = "/v1/privacy/requests"


def somebody() -> dict[str, str]:
    return {"email": f"{new_id('p')}@example.com"}


async def filed(team: Team, kind: str, person: dict[str, Any] | None = None) -> str:
    """A request that waits, as a path of the platform's side."""
    owner = await team.member("owner")
    told = await owner.posts(REQUESTS, {"kind": kind, "person": person or somebody()})
    assert told.status == 201, told.body
    return f"/v1/platform/merchants/{team.merchant}/privacy/requests/{told.json['id']}"


async def bought(team: Team) -> dict[str, str]:
    """Somebody who has paid, and is found without anything being written first."""
    person = somebody()
    team.shop.shop.bank.to_create.append(Paid((receipt(baht(150), new_id("t")),)))
    await team.shop.charges(payer={"name": "Malee Srisawat", **person})
    office = team.shop.services.privacy.office
    await catch_up(team.database, office.vault, office.index, team.merchant)
    return person


async def compliance(team: Team) -> Client:
    return await team.operator(Role.COMPLIANCE)


@act("filePrivacyRequest")
async def _(team: Team) -> Request:
    return posting(await team.member("owner"), REQUESTS, {"kind": "objection", "person": somebody()})


@act("erasePerson")
async def _(team: Team) -> Request:
    path = await filed(team, "erasure", await bought(team))
    return posting(await compliance(team), f"{path}/erase")


@act("exportPerson")
async def _(team: Team) -> Request:
    path = await filed(team, "export", await bought(team))
    return posting(await compliance(team), f"{path}/export")


@act("closePrivacyRequest")
async def _(team: Team) -> Request:
    return posting(await compliance(team), f"{await filed(team, 'rectification')}/close")


@act("refusePrivacyRequest")
async def _(team: Team) -> Request:
    path = await filed(team, "objection")
    return posting(await compliance(team), f"{path}/refuse", {"reason": "the law asks us to keep it"})


async def held(team: Team, operator: Client) -> str:
    path = f"/v1/platform/merchants/{team.merchant}/privacy/holds"
    told = await operator.posts(path, {"reason": "court order", "person": somebody()})
    assert told.status == 201, told.body
    return f"{path}/{told.json['id']}"


@act("placeLegalHold")
async def _(team: Team) -> Request:
    path = f"/v1/platform/merchants/{team.merchant}/privacy/holds"
    return posting(await compliance(team), path, {"reason": "court order", "person": somebody()})


@act("liftLegalHold")
async def _(team: Team) -> Request:
    operator = await compliance(team)
    return posting(operator, f"{await held(team, operator)}/lift", {"reason": "the case is closed"})
