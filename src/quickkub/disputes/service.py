"""The room's counter: what the API and the worker ask of disputes."""

from __future__ import annotations

from typing import Any, Final

from quickkub.connectors.contract import Evidence
from quickkub.disputes import flow, store
from quickkub.disputes.model import Dispute, DisputeNotFound
from quickkub.disputes.view import dispute_view
from quickkub.kernel.ids import MerchantId
from quickkub.payments.model import Answered, Page
from quickkub.payments.office import Office
from quickkub.payments.view import Render
from quickkub.storage.idempotency import Once

LEASE_SECONDS: Final = 40


class Disputes:
    """Everything that can be done with disputes."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def get(self, merchant: MerchantId, mode: str, dispute: str) -> dict[str, Any]:
        """One dispute. Raises DisputeNotFound."""
        async with self._office.db.read() as reader:
            found = await store.find(reader, merchant, mode, dispute)
        if found is None:
            raise DisputeNotFound()
        return dispute_view(found)

    async def page(
        self,
        merchant: MerchantId,
        mode: str,
        *,
        limit: int,
        starting_after: str | None,
        payment: str | None,
    ) -> Page:
        """One page of disputes, newest first."""
        async with self._office.db.read() as reader:
            found, has_more = await store.page(
                reader, merchant, mode, limit=limit, starting_after=starting_after, payment=payment
            )
        return Page(tuple(dispute_view(one) for one in found), has_more)

    async def contest(self, dispute: str, evidence: Evidence, once: Once, render: Render) -> Answered:
        """Hand evidence in. See `flow.contest`."""
        return await flow.contest(self._office, dispute, evidence, once, render)

    async def accept(self, dispute: str, once: Once, render: Render) -> Answered:
        """Give in. See `flow.accept`."""
        return await flow.accept(self._office, dispute, once, render)

    async def claim(self, limit: int) -> list[Dispute]:
        """Open disputes that are to be asked about."""
        async with self._office.db.transaction() as tx:
            return await store.claim_due(tx, limit, LEASE_SECONDS)

    async def check(self, dispute: Dispute) -> None:
        """Ask about one claimed dispute."""
        await flow.check(self._office, dispute)
