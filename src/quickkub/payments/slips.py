"""Slips: the two keys in a slip's QR are looked up at a bank, and the bank's record is compared.

A picture alone never marks a payment as paid. Where the record fits a payment, its own provider is asked at
once and what that says is taken in; for a static PromptPay QR, which no provider can be asked about, the
record is the receipt.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from quickkub.audit import Act, record
from quickkub.connectors.contract import (
    Account,
    Outcome,
    Paid,
    Receipt,
    Slip,
    SlipAnswer,
    SlipReader,
    Unknown,
)
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.money import Money
from quickkub.merchants.accounts import enabled_accounts
from quickkub.payments import attempt_store, proof_store, rules, slips_store, store
from quickkub.payments.ask import inquire
from quickkub.payments.model import Attempt, Payment, PaymentNotFound
from quickkub.payments.office import Office, OutOfTime, Told
from quickkub.payments.orders import account_of, order_for
from quickkub.payments.routing import as_account
from quickkub.payments.satang import STATIC
from quickkub.payments.settle import apply
from quickkub.payments.slips_picture import qr_texts
from quickkub.payments.slips_rules import Expected, check, expected
from quickkub.payments.slips_store import Transfer, Used
from quickkub.payments.slips_view import forgotten_view, slip_view
from quickkub.payments.states import AttemptState, PaymentState
from quickkub.promptpay.errors import QrRefusal
from quickkub.promptpay.model import BankSlip
from quickkub.promptpay.slip import parse_slip
from quickkub.storage import Connection
from quickkub.storage.vault import Place
from quickkub.telemetry import masks

PICTURES_AT_ONCE: Final = 2


class SlipUnreadable(Refusal):
    """There is no QR of a bank's transfer slip in what was sent."""

    code, kind = "slip_unreadable", Kind.INVALID


class SlipAlreadyUsed(Refusal):
    """This transfer was shown for another payment already."""

    code, kind = "slip_already_used", Kind.CONFLICT


class SlipLookupUnavailable(Refusal):
    """The merchant has no provider account, or not the one named, that can look transfers up."""

    code, kind = "slip_lookup_unavailable", Kind.INVALID


@dataclass(frozen=True, slots=True)
class SlipQuestion:
    """What is asked: the QR's text or a picture of the slip, and what the transfer should be for."""

    payload: str | None = None
    picture: bytes | None = None
    payment: str | None = None
    amount: Money | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True)
class _Context:
    """Everything known before the bank is asked."""

    transfer: Transfer
    payment: Payment | None
    attempts: list[Attempt]
    reader: Account
    wanted: Expected
    used: Used | None

    @property
    def static(self) -> Attempt | None:
        """The attempt that shows a static QR, if the payment has one."""
        return next((attempt for attempt in self.attempts if attempt.provider == STATIC), None)


@dataclass(frozen=True, slots=True)
class _AsReceipt:
    """The bank's record as news of a payment, with what was said on the wire."""

    outcome: Outcome
    transcript: bytes


class Slips:
    """Looks transfers up, for one database and one line."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._pictures = asyncio.Semaphore(PICTURES_AT_ONCE)

    async def verify(self, merchant: MerchantId, mode: str, asked: SlipQuestion) -> dict[str, Any]:
        """Whether the transfer exists and is what was asked about, as the API shows it.

        Raises PictureUnreadable, PictureTooLarge, SlipUnreadable, PaymentNotFound, SlipLookupUnavailable and
        SlipAlreadyUsed.
        """
        slip = await self._read(asked)
        context = await self._context(Transfer(merchant, mode, slip.sending_bank, slip.trans_ref), asked)
        if context.used is not None and context.payment is not None:
            await self._inquire_now(context)
            return await self._shown(context, self._answered_before(context, context.used))
        told = await self._look_up(context)
        view = self._view(context, told.outcome)
        if context.payment is not None and isinstance(told.outcome, Slip) and view["verified"]:
            await self._take(context, told.outcome, told.transcript, view)
        return await self._shown(context, view)

    async def _read(self, asked: SlipQuestion) -> BankSlip:
        if asked.payload is not None:
            return _bank_slip([asked.payload], "payload")
        assert asked.picture is not None, "the edge sees to it that there is one or the other"
        async with self._pictures:
            texts = await asyncio.to_thread(qr_texts, asked.picture)
        return _bank_slip(texts, "image")

    async def _context(self, transfer: Transfer, asked: SlipQuestion) -> _Context:
        merchant, mode, payment, attempts = transfer.merchant, transfer.mode, None, []
        async with self._office.db.read() as reader:
            if asked.payment is not None:
                payment = await store.find_payment(reader, merchant, mode, asked.payment)
                if payment is None:
                    raise PaymentNotFound()
                attempts = (await attempt_store.attempts_of(reader, merchant, [payment.id]))[payment.id]
            used = await slips_store.find(reader, transfer)
            if used is not None and payment is not None and used.payment != payment.id:
                raise SlipAlreadyUsed("this transfer was shown for another payment", param="payment")
            accounts = [
                as_account(found, self._office.public_url)
                for found in await enabled_accounts(reader, self._office.vault, merchant, mode)
            ]
            paid_to = [await account_of(self._office, reader, attempt) for attempt in attempts]
        asks = self._reader(accounts, paid_to, asked.account)
        wanted = expected(payment, attempts, asked.amount, paid_to or [asks], asks.id, datetime.now(UTC))
        return _Context(transfer, payment, attempts, asks, wanted, used)

    def _reader(self, accounts: list[Account], paid_to: list[Account], named: str | None) -> Account:
        """The account named, else one the payment was made at, else the first that can look transfers up."""
        able = [one for one in accounts if isinstance(self._office.connector(one.provider), SlipReader)]
        if named is not None:
            able = [account for account in able if account.id == named]
        if not able:
            raise SlipLookupUnavailable(
                "no provider account of yours can look transfers up"
                if named is None
                else "this is no provider account of yours that can look transfers up",
                param=None if named is None else "account",
            )
        own = {account.id for account in paid_to}
        return next((account for account in able if account.id in own), able[0])

    async def _look_up(self, context: _Context) -> Told[SlipAnswer]:
        connector = self._office.connector(context.reader.provider)
        assert isinstance(connector, SlipReader), "chosen for it"
        transfer = context.transfer
        exchange = connector.verify_slip(context.reader, transfer.sending_bank, transfer.trans_ref)
        try:
            async with asyncio.timeout(rules.INQUIRY_SECONDS):
                return await self._office.line.run(context.reader, exchange)
        except TimeoutError:
            return OutOfTime(Unknown("the lookup took longer than anybody may wait"))

    def _view(self, context: _Context, answer: SlipAnswer) -> dict[str, Any]:
        return slip_view(
            context.transfer,
            context.reader,
            answer,
            check(answer, context.wanted) if isinstance(answer, Slip) else None,
            payment=context.payment.id if context.payment else None,
            used_for=context.used.payment if context.used else None,
            needs_receiver=context.static is not None,
        )

    async def _take(self, context: _Context, slip: Slip, transcript: bytes, view: dict[str, Any]) -> None:
        """The transfer is the payment's from now on. It is taken once, and a static QR is paid by that."""
        if context.static is None:
            async with self._office.db.transaction() as tx:
                await self._use(tx, context, transcript, view)
            await self._inquire_now(context)
            return

        async def use(tx: Connection, _: Payment, __: Attempt) -> None:
            await self._use(tx, context, transcript, view)

        record = _AsReceipt(_paid(slip), transcript)
        attempt = context.static
        await apply(self._office, attempt.merchant, attempt.id, record, "inquiry", also=use)

    async def _use(self, tx: Connection, context: _Context, transcript: bytes, view: dict[str, Any]) -> None:
        """Write down what it is used for, and what the bank said (P8). Raises SlipAlreadyUsed."""
        payment, transfer = context.payment, context.transfer
        assert payment is not None
        evidence = new_id("evd")
        sealed = self._office.vault.seal(
            transcript, proof_store.evidence_place(payment.merchant, evidence, payment.mode)
        )
        answer = self._office.vault.seal(json.dumps(view).encode(), _place(transfer))
        await proof_store.keep_evidence(tx, context.attempts[-1], evidence, "inquiry", "slip", sealed)
        fresh = await slips_store.use(
            tx, transfer, payment=payment.id, account=context.reader.id, evidence=evidence, answer=answer
        )
        if not fresh:
            used = await slips_store.find(tx, transfer)
            if used is None or used.payment != payment.id:
                raise SlipAlreadyUsed("this transfer was shown for another payment", param="payment")
            return
        after = {"sending_bank": transfer.sending_bank, "trans_ref": transfer.trans_ref}
        act = Act(
            "slip.taken", "payment", payment.id, merchant=payment.merchant, mode=payment.mode, after=after
        )
        await record(tx, act)

    async def _inquire_now(self, context: _Context) -> None:
        """Bring the inquiries of the payment forward and take in what its own provider says.

        Providers number movements in their own way, so the bank's record of a slip must not be booked beside
        an inquiry's: the same money would be there twice.
        """
        for attempt in context.attempts:
            if attempt.provider != STATIC and attempt.state is not AttemptState.SUCCEEDED:
                await self._inquire(context, attempt)

    async def _inquire(self, context: _Context, attempt: Attempt) -> None:
        assert context.payment is not None
        async with self._office.db.read() as reader:
            account = await account_of(self._office, reader, attempt)
        told = await inquire(self._office, account, order_for(self._office, attempt, context.payment))
        await apply(self._office, attempt.merchant, attempt.id, told, "inquiry")
        if not isinstance(told.outcome, Paid):
            # The record may be ahead of the inquiry; the worker asks again soon.
            async with self._office.db.transaction() as tx:
                await attempt_store.check_now(tx, attempt.merchant, attempt.id)

    def _answered_before(self, context: _Context, used: Used) -> dict[str, Any]:
        place = _place(context.transfer)
        view: dict[str, Any] = json.loads(self._office.vault.open(used.answer, place))
        # Emptied when its time was over or the payer was erased; that it was taken for this payment stays.
        return view or forgotten_view(context.transfer, context.reader, used.payment)

    async def _shown(self, context: _Context, view: dict[str, Any]) -> dict[str, Any]:
        """With how the payment stands by now, which is no part of what is kept; who sent it is masked."""
        state: PaymentState | None = None
        if context.payment is not None:
            payment = context.payment
            async with self._office.db.read() as reader:
                found = await store.find_payment(reader, payment.merchant, payment.mode, payment.id)
            assert found is not None, "payments are never deleted"
            state = found.state
        sender = view.get("sender_name")
        return view | {
            "sender_name": masks.name(sender) if sender else None,
            "payment_status": state.value if state else None,
        }


def _place(transfer: Transfer) -> Place:
    key = f"{transfer.mode}:{transfer.sending_bank}:{transfer.trans_ref}"
    return Place("slips", "answer", transfer.merchant, key, mode=transfer.mode)


def _bank_slip(texts: list[str], param: str) -> BankSlip:
    """The first text that is a bank's slip. TrueMoney's own slips can be looked up by nobody."""
    causes = []
    for text in texts:
        try:
            slip = parse_slip(text, strict=False)
        except QrRefusal as refusal:
            causes.append(refusal.code)
            continue
        if isinstance(slip, BankSlip):
            return slip
        causes.append("truemoney_slip")
    why = f"what is there is refused: {', '.join(causes)}" if causes else "there is no QR in it"
    raise SlipUnreadable(why, param=param)


def _paid(slip: Slip) -> Paid:
    payer = {"name": slip.sender_name} if slip.sender_name else {}
    return Paid((Receipt(slip.trans_ref, slip.amount, slip.paid_at, payer),))
