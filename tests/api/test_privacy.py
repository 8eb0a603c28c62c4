"""People's data over HTTP: who files, who does it, and what is never told."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from quickkub.access.permissions import Role
from quickkub.kernel.clock import rfc3339
from quickkub.storage import Database
from tests.support.api import Client
from tests.support.privileged_privacy import bought, filed, somebody
from tests.support.team import Operator, Team, team

REQUESTS = "/v1/privacy/requests"
PLATFORM = "/v1/platform/privacy"


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Team]:
    async with team(database) as opened:
        yield opened


async def compliance(office: Team) -> Operator:
    return await office.operator(Role.COMPLIANCE)


def unzipped(export: dict[str, Any]) -> dict[str, str]:
    content = base64.b64decode(export["content"])
    assert hashlib.sha256(content).hexdigest() == export["sha256"]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


async def test_a_request_is_owed_within_30_days_of_asking_and_shows_nobody_whole(office: Team) -> None:
    owner = await office.member("owner")
    asked_at = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
    person = {"email": "malee@example.com", "phone": "089-123-4567", "name": "Malee Srisawat"}
    words = {"kind": "erasure", "person": person, "asked_at": rfc3339(asked_at)}
    told = (await owner.posts(REQUESTS, words)).json
    assert told["due_at"] == rfc3339(asked_at + timedelta(days=30))
    assert told["person"] == {"email": "m***@example.com", "phone": "***4567", "name": "m*** s***"}
    assert (await owner.gets(f"{REQUESTS}/{told['id']}")).json == told
    assert (await owner.gets(f"{REQUESTS}?status=open")).json["data"] == [told]


@pytest.mark.parametrize("days", [-1, 31])
async def test_nobody_asked_tomorrow_or_so_long_ago_that_it_is_late_already(office: Team, days: int) -> None:
    owner = await office.member("owner")
    asked_at = rfc3339(datetime.now(UTC) - timedelta(days=days))
    told = await owner.posts(REQUESTS, {"kind": "export", "person": somebody(), "asked_at": asked_at})
    assert told.no == (400, "privacy_request_time", "asked_at")


async def test_no_key_files_a_request_however_it_was_made(office: Team) -> None:
    told = await office.shop.posts(REQUESTS, {"kind": "erasure", "person": somebody()})
    assert told.no == (403, "permission_missing", "Authorization")


async def test_a_request_about_nobody_is_refused(office: Team) -> None:
    owner = await office.member("owner")
    assert (await owner.posts(REQUESTS, {"kind": "erasure", "person": {}})).code == "person_unclear"


async def test_an_operator_erases_and_the_merchant_reads_the_certificate(office: Team) -> None:
    person = await bought(office)
    path = await filed(office, "erasure", person)
    operator = await compliance(office)
    told = await operator.posts(f"{path}/erase")
    assert told.status == 200, told.body
    certificate = told.json["result"]
    assert certificate["counts"]["payments.payer"] == 1
    assert told.json["person"] == {"email": None, "phone": None, "name": None}
    owner = await office.member("owner")
    seen = (await owner.gets(f"{REQUESTS}/{path.rpartition('/')[2]}")).json
    assert (seen["status"], seen["result"]) == ("done", certificate)
    assert (await operator.posts(f"{path}/erase")).code == "privacy_request_over"


async def test_what_is_handed_out_is_everything_with_a_digest(office: Team) -> None:
    person = await bought(office)
    path = await filed(office, "export", person)
    told = await (await compliance(office)).posts(f"{path}/export")
    assert told.status == 200, told.body
    files = unzipped(told.json)
    assert person["email"] in files["payments.csv"]
    everything = json.loads(files["everything.json"])
    assert everything["payments"][0]["payer"]["email"] == person["email"]
    assert told.json["request"]["result"]["sha256"] == told.json["sha256"]


async def test_an_export_request_is_not_answered_with_an_erasure(office: Team) -> None:
    path = await filed(office, "export", await bought(office))
    assert (await (await compliance(office)).posts(f"{path}/erase")).code == "privacy_request_over"


@pytest.mark.parametrize("act", ["erase", "export"])
async def test_who_has_not_just_shown_the_second_factor_does_neither(office: Team, act: str) -> None:
    path = await filed(office, "erasure" if act == "erase" else act, await bought(office))
    operator = await compliance(office)
    await office.shop.shop.rows("UPDATE sessions SET stepped_up_at = now() - interval '1 hour'")
    assert (await operator.posts(f"{path}/{act}")).code == "step_up_required"


async def test_a_hold_refuses_the_erasure_until_it_is_lifted(office: Team) -> None:
    person = await bought(office)
    path = await filed(office, "erasure", person)
    operator = await compliance(office)
    holds = f"/v1/platform/merchants/{office.merchant}/privacy/holds"
    hold = (await operator.posts(holds, {"reason": "court order", "person": person})).json
    told = await operator.posts(f"{path}/erase")
    assert (told.status, told.code) == (409, "under_legal_hold")
    assert hold["id"] in told.json["detail"]
    assert [one["id"] for one in (await operator.gets(f"{PLATFORM}/holds")).json["data"]] == [hold["id"]]
    await operator.posts(f"{holds}/{hold['id']}/lift", {"reason": "over"})
    assert (await operator.posts(f"{path}/erase")).status == 200


async def test_requests_of_other_kinds_are_closed_by_hand_or_refused_with_a_reason(office: Team) -> None:
    operator = await compliance(office)
    done = await operator.posts(f"{await filed(office, 'rectification')}/close")
    refused = await operator.posts(
        f"{await filed(office, 'objection')}/refuse", {"reason": "the law says so"}
    )
    assert (done.json["status"], refused.json["status"]) == ("done", "refused")
    assert refused.json["reason"] == "the law says so"
    assert len((await operator.gets(f"{PLATFORM}/requests")).json["data"]) == 2


async def test_nobody_sees_anothers_requests(office: Team) -> None:
    path = await filed(office, "erasure")
    async with team(office.database) as other:
        stranger: Client = await other.member("owner")
        assert (await stranger.gets(REQUESTS)).json["data"] == []
        told = await stranger.gets(f"{REQUESTS}/{path.rpartition('/')[2]}")
        assert (told.status, told.code) == (404, "privacy_request_not_found")
