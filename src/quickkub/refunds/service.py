"""The room's counter: what the API and the worker ask of refunds."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from quickkub.kernel.ids import MerchantId
from quickkub.payments import case_store
from quickkub.payments.model import Answered, Page
from quickkub.payments.office import Office
from quickkub.payments.view import Render
from quickkub.refunds import cases, flow, store, tasks
from quickkub.refunds.model import NewRefund, Reason, RefundNotFound, RefundQuery
from quickkub.refunds.store import Due
from quickkub.refunds.view import masked, open_destination, refund_view
from quickkub.storage.idempotency import Once

LEASE_SECONDS: Final = 40


class Refunds:
    """Everything that can be done with refunds."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def create(self, asked: NewRefund, once: Once, render: Render) -> Answered:
        """Give money back. See `flow.create`."""
        return await flow.create(self._office, asked, once, render)

    async def transferred(self, refund: str, transfer_reference: str, once: Once, render: Render) -> Answered:
        """A person made the transfer. See `tasks.transferred`."""
        return await tasks.transferred(self._office, refund, transfer_reference, once, render)

    async def drop(self, refund: str, once: Once, render: Render) -> Answered:
        """The transfer will not be made. See `tasks.drop`."""
        return await tasks.drop(self._office, refund, once, render)

    async def get(
        self, merchant: MerchantId, mode: str, refund: str, *, in_full: bool = False
    ) -> dict[str, Any]:
        """One refund. `in_full`: with where the transfer goes to, for whoever makes it.

        Raises RefundNotFound.
        """
        async with self._office.db.read() as reader:
            found = await store.find(reader, merchant, mode, refund)
        if found is None:
            raise RefundNotFound()
        destination = open_destination(self._office.vault, found)
        if destination is None or not in_full:
            return refund_view(found, masked(destination))
        return refund_view(found, asdict(destination))

    async def page(self, merchant: MerchantId, mode: str, query: RefundQuery) -> Page:
        """One page of refunds, newest first."""
        async with self._office.db.read() as reader:
            found, has_more = await store.page(reader, merchant, mode, query)
        vault = self._office.vault
        items = tuple(refund_view(one, masked(open_destination(vault, one))) for one in found)
        return Page(items, has_more)

    async def case(self, merchant: MerchantId, mode: str, case: str) -> dict[str, Any]:
        """One case. Raises CaseNotFound."""
        async with self._office.db.read() as reader:
            found = await case_store.find(reader, merchant, mode, case)
        if found is None:
            raise cases.CaseNotFound()
        return case_store.case_view(found)

    async def resolve(self, case: str, resolution: cases.Resolution, once: Once, render: Render) -> Answered:
        """Decide about a case. See `cases.resolve`."""
        return await cases.resolve(self._office, case, resolution, once, render)

    async def claim_unapplied(self, limit: int) -> list[Due]:
        """Nobody's money that goes back by the merchant's rule."""
        async with self._office.db.transaction() as tx:
            return await store.claim_unapplied(tx, limit, LEASE_SECONDS)

    async def give_back(self, due: Due) -> None:
        """Refund it: one transaction, the provider is told by the worker if there is one to tell."""
        await self._office.gate.pass_or_refuse(self._office.db)
        async with self._office.db.transaction() as tx:
            await flow.give_back_unapplied(
                self._office,
                tx,
                due.merchant,
                due.mode,
                due.receipt,
                reason=Reason.WRONG_AMOUNT,
                note="given back by the merchant's rule for money without a payment",
            )
