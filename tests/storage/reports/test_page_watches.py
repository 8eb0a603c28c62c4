"""What an assessor is shown of the watch over payers' pages (PCI DSS 4.0.1, 6.4.3 and 11.6.1)."""

from __future__ import annotations

import json
from pathlib import Path

from quickkub.audit import Actor, ActorKind, acting
from quickkub.reports import duties
from quickkub.web.assets import listed
from quickkub.web.page_watch import watch_pages
from tests.storage.reports.conftest import SPAN, Gateway
from tests.support.ports import free_port


async def test_looks_at_pages_and_the_list_they_are_compared_with_are_shown(
    gateway: Gateway, out: Path
) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    with acting(Actor(ActorKind.SYSTEM, "test")):
        await watch_pages(gateway.db, address)
    await gateway.office.one("page-watches", SPAN, out)
    looks = json.loads((out / "tables/page-watches.json").read_text())
    (look,) = [one for one in looks["rows"] if one["place"] == address]
    assert look["outcome"] == "unreached" and look["details"] and look["broken"] == 0
    assert "Empty: nobody looked" in looks["note"]["en"]
    files = json.loads((out / "tables/page-scripts.json").read_text())["rows"]
    assert [(one["kind"], one["file"], one["sha256"]) for one in files] == [
        (line.kind, line.file, line.sha256) for line in listed()
    ]


def test_the_requirements_of_pages_name_their_evidence() -> None:
    named = {one.requirement: one.evidence for one in duties.duties() if one.standard.startswith("PCI")}
    assert set(named["6.4.3"]) == set(named["11.6.1"]) == {"page-scripts", "page-watches"}
