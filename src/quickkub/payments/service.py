"""The room's counter: what the API, the checkout page and the worker ask of payments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quickkub.connectors.contract import CallbackAnswer, RawCallback
from quickkub.kernel.ids import MerchantId
from quickkub.kernel.money import Money
from quickkub.kernel.tokens import merchant_of
from quickkub.payments import (
    ask,
    attempt_store,
    callback_work,
    calling_off,
    capturing,
    case_store,
    inbox,
    store,
    sweep,
)
from quickkub.payments.forms import whole_view
from quickkub.payments.inbox_store import Kept
from quickkub.payments.instructions import sweep as instruction_sweep
from quickkub.payments.instructions.model import Told
from quickkub.payments.model import (
    Answered,
    Attempt,
    ListQuery,
    NewPayment,
    Page,
    Payment,
    PaymentNotFound,
)
from quickkub.payments.office import Office
from quickkub.payments.routes.service import Routes
from quickkub.payments.routes.store import whys_of
from quickkub.payments.slips import Slips
from quickkub.payments.states import AttemptState
from quickkub.payments.store import Overdue
from quickkub.payments.view import Render, attempt_view
from quickkub.storage.idempotency import Once
from quickkub.storage.scope import for_merchant, house


class Payments:
    """Everything that can be done with payments, for one database and one set of connectors."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self.routes = Routes(office)
        self.slips = Slips(office)

    async def create(self, asked: NewPayment, once: Once, render: Render) -> Answered:
        """Make a payment. See `ask.create`."""
        return await ask.create(self._office, asked, once, render)

    async def cancel(self, payment: str, once: Once, render: Render) -> Answered:
        """Call a payment off. See `calling_off.cancel`."""
        return await calling_off.cancel(self._office, payment, once, render)

    async def capture(
        self, payment: str, amount: Money | None, once: Once, render: Render, *, is_last: bool = True
    ) -> Answered:
        """Take held money. See `capturing.capture`."""
        return await capturing.capture(self._office, payment, amount, once, render, is_last=is_last)

    async def void(self, payment: str, once: Once, render: Render) -> Answered:
        """Let held money go. See `capturing.void`."""
        return await capturing.void(self._office, payment, once, render)

    async def get(
        self, merchant: MerchantId, mode: str, payment: str, *, with_attempts: bool = False
    ) -> dict[str, Any]:
        """One payment as the API shows it. Raises PaymentNotFound."""
        async with self._office.db.read() as reader:
            found = await store.find_payment(reader, merchant, mode, payment)
            if found is None:
                raise PaymentNotFound()
            attempts = await attempt_store.attempts_of(reader, merchant, [found.id])
            whys = await whys_of(reader, merchant, [found.id] if with_attempts else [])
        return self._view(found, attempts[found.id], whys, with_attempts=with_attempts)

    async def page(
        self, merchant: MerchantId, mode: str, query: ListQuery, *, with_attempts: bool = False
    ) -> Page:
        """One page of payments, newest first."""
        async with self._office.db.read() as reader:
            found, has_more = await store.list_payments(reader, merchant, mode, query)
            ids = [payment.id for payment in found]
            attempts = await attempt_store.attempts_of(reader, merchant, ids)
            whys = await whys_of(reader, merchant, ids if with_attempts else [])
        views = (self._view(p, attempts[p.id], whys, with_attempts=with_attempts) for p in found)
        return Page(tuple(views), has_more)

    async def cases(self, merchant: MerchantId, mode: str, limit: int, starting_after: str | None) -> Page:
        """What waits for a person, newest first."""
        async with self._office.db.read() as reader:
            found, has_more = await case_store.page(reader, merchant, mode, limit, starting_after)
        return Page(tuple(case_store.case_view(case) for case in found), has_more)

    async def keep_callback(self, provider: str, token: str, raw: RawCallback) -> CallbackAnswer:
        """Take a provider's callback in. See `inbox.keep`."""
        # A token names its merchant, true or not; what came to none is kept for the house to see.
        merchant = merchant_of(token)
        with house() if merchant is None else for_merchant(merchant):
            return await inbox.keep(self._office, provider, token, raw)

    async def claim_callbacks(self, limit: int) -> list[Kept]:
        """Callbacks to work on. See `callback_work.work`."""
        return await callback_work.claim_callbacks(self._office, limit)

    async def work_callback(self, kept: Kept) -> None:
        """Settle one claimed callback."""
        await callback_work.work(self._office, kept)

    async def claim_attempts(self, limit: int) -> list[Attempt]:
        """Attempts whose inquiry is due."""
        return await sweep.claim_attempts(self._office, limit)

    async def check_attempt(self, attempt: Attempt) -> None:
        """Inquire about one claimed attempt."""
        await sweep.check_attempt(self._office, attempt)

    async def claim_instructions(self, limit: int) -> list[Told]:
        """Instructions whose inquiry is due, or that nobody has told yet."""
        return await instruction_sweep.claim(self._office, limit, sweep.LEASE_SECONDS)

    async def check_instruction(self, told: Told) -> None:
        """Tell or ask about one claimed instruction."""
        await instruction_sweep.check(self._office, told)

    async def claim_overdue(self, limit: int) -> list[Overdue]:
        """Payments whose time is up."""
        return await sweep.claim_overdue(self._office, limit)

    async def expire(self, overdue: Overdue) -> None:
        """End one of them."""
        await sweep.expire(self._office, overdue)

    def _view(
        self, payment: Payment, attempts: list[Attempt], whys: Mapping[str, Any], *, with_attempts: bool
    ) -> dict[str, Any]:
        # The attempt that was paid, which need not be the newest one; else the one that is waited for.
        paid = [attempt for attempt in attempts if attempt.state is AttemptState.SUCCEEDED]
        shown = (paid or attempts)[-1]
        view = whole_view(self._office.vault, payment, shown, self._office.public_url)
        if with_attempts:
            view["attempts"] = [
                attempt_view(attempt) | {"why": whys.get(attempt.id, {})} for attempt in attempts
            ]
        return view
