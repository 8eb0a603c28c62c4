"""The counter of this room, for routes and commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from quickkub.kernel.ids import MerchantId
from quickkub.privacy import erase, export, requests, retention
from quickkub.privacy.export import Exported
from quickkub.privacy.index import catch_up
from quickkub.privacy.office import ErasureTooEarly, Office, UnderLegalHold
from quickkub.privacy.periods import Kind
from quickkub.privacy.person import Person
from quickkub.privacy.requests import AskedFor
from quickkub.storage import Connection


@dataclass(frozen=True, slots=True)
class Privacy:
    """Everything that is done about people's data. An act and the closing of its request go together."""

    office: Office

    async def erase(self, merchant: MerchantId, person: Person) -> dict[str, Any]:
        """Erase somebody; returns the certificate. Raises UnderLegalHold, ErasureTooEarly, NobodyFound."""
        return await erase.erase(self.office, merchant, person)

    async def export(self, merchant: MerchantId, person: Person) -> Exported:
        """Everything held about somebody. Raises NobodyFound."""
        return await export.export(self.office, merchant, person)

    async def erase_asked(self, merchant: MerchantId, request: str) -> dict[str, Any]:
        """Do what an erasure request asks; it is closed with the certificate, or stays open when refused.

        Raises RequestNotFound, RequestOver, and what `erase` raises.
        """
        office = self.office

        async def work(tx: Connection, person: Person) -> Mapping[str, Any]:
            return await erase.erase_in(tx, office, merchant, person, request=request)

        await catch_up(office.db, office.vault, office.index, merchant)
        try:
            return await requests.fulfil(office, merchant, request, AskedFor.ERASURE, work)
        except (UnderLegalHold, ErasureTooEarly) as refusal:
            await erase.write_down(office, merchant, refusal, request)
            raise

    async def export_asked(self, merchant: MerchantId, request: str) -> tuple[dict[str, Any], Exported]:
        """Do what an export request asks. Raises RequestNotFound, RequestOver, NobodyFound."""
        office, done = self.office, []

        async def work(tx: Connection, person: Person) -> Mapping[str, Any]:
            done.append(await export.export_in(tx, office, merchant, person))
            return {"sha256": done[0].sha256, "rows": dict(done[0].rows)}

        await catch_up(office.db, office.vault, office.index, merchant)
        closed = await requests.fulfil(office, merchant, request, AskedFor.EXPORT, work)
        return closed, done[0]

    async def retention(self, *, dry_run: bool = False) -> dict[Kind, dict[str, dict[str, int]]]:
        """Let go of what is past its time."""
        return await retention.run_all(self.office, dry_run=dry_run)
