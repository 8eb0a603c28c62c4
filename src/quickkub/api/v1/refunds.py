"""Refunds: asked for, looked at, and the transfers that people make."""

from __future__ import annotations

from litestar import Response, get, post

from quickkub.access.permissions import allowed
from quickkub.access.sessions import SecondFactorRequired, StepUpRequired
from quickkub.access.step_up import require_fresh
from quickkub.api import money_schema as words
from quickkub.api import schema
from quickkub.api.lists import answer, page, refuse_bad_cursors
from quickkub.api.once import answered, once, rendered_as
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.api.text import plain_metadata, plain_text
from quickkub.kernel.ids import has_shape
from quickkub.kernel.money import THB, Money
from quickkub.merchants.rules import money_rules
from quickkub.payments.model import PaymentNotFound
from quickkub.refunds.model import (
    Destination,
    NewRefund,
    NothingToRefund,
    Reason,
    RefundExceedsCapture,
    RefundNotFound,
    RefundNotWaiting,
    RefundQuery,
    TransferUsed,
)
from quickkub.storage.idempotency import KeyBusy, KeyReused

PATH = "/v1/refunds"

CREATE = Operation(
    id="createRefund",
    needs="refunds:write",
    summary="Give money of a payment back",
    description=(
        "Through the provider where it refunds the method, else as a task: the refund then "
        "`requires_transfer`, a person makes a bank transfer and reports its number. An answer of the "
        "provider that was lost leaves the refund `processing`; it is settled by asking the provider. A "
        "person needs a step-up to give back more of a payment than the merchant's `refund_step_up_over`."
    ),
    answers=words.Refund,
    status=201,
    body=words.CreateRefund,
    once=True,
    refusals=(
        PaymentNotFound,
        NothingToRefund,
        RefundExceedsCapture,
        KeyReused,
        KeyBusy,
        SecondFactorRequired,
        StepUpRequired,
    ),
)


@post(PATH, status_code=201, opt=says(CREATE))
async def create_refund(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.CreateRefund)
    request.query(schema.NoQuery)
    if not has_shape(said.payment, "pay"):
        raise PaymentNotFound()
    if request.caller.user_id is not None and await _back_minor(request, said) > await _freely(request):
        await require_fresh(request.services.db, request.caller)
    asked = NewRefund(
        payment=said.payment,
        amount=None if said.amount is None else Money(said.amount, THB),
        reason=Reason(said.reason),
        note=None if said.note is None else plain_text(said.note, "note", letters_max=words.NOTE_LETTERS_MAX),
        destination=destination_of(said.destination),
        metadata=plain_metadata(said.metadata or {}),
    )
    return answered(await request.services.refunds.create(asked, await once(request), rendered_as(201)))


async def _freely(request: ApiRequest) -> int:
    """How much of one payment a person of this merchant gives back without a step-up, in minor units."""
    async with request.services.db.read() as reader:
        return (await money_rules(reader, request.caller.merchant)).step_up_over


async def _back_minor(request: ApiRequest, said: words.CreateRefund) -> int:
    """How much of the payment would then have gone back, at most: many small refunds are a large one."""
    caller = request.caller
    payment = await request.services.payments.get(caller.merchant, caller.mode, said.payment)
    if said.amount is None:
        return int(max(payment["amount"], payment["captured_amount"]))
    return int(payment["refunded_amount"] + payment["refunding_amount"] + said.amount)


def destination_of(said: words.BankAccount | None) -> Destination | None:
    """Where a transfer goes to, with a name of plain text."""
    if said is None:
        return None
    return Destination(said.bank, said.account, plain_text(said.name, "destination.name", letters_max=100))


LIST = Operation(
    id="listRefunds",
    needs="refunds:read",
    summary="List refunds, newest first",
    answers=schema.List[words.Refund],
    query=words.RefundsQuery,
)


@get(PATH, opt=says(LIST))
async def list_refunds(request: ApiRequest) -> Response[bytes]:
    query = request.query(words.RefundsQuery)
    refuse_bad_cursors(query, "re")
    found = await request.services.refunds.page(
        request.caller.merchant,
        request.caller.mode,
        RefundQuery(query.limit, query.starting_after, query.payment, query.status),
    )
    return page(PATH, found.items, has_more=found.has_more)


GET = Operation(
    id="getRefund",
    needs="refunds:read",
    summary="Look at a refund",
    description="Where a transfer goes to is shown in full with the permission refunds:write, else masked.",
    answers=words.Refund,
    refusals=(RefundNotFound,),
)


@get(f"{PATH}/{{refund:str}}", opt=says(GET))
async def get_refund(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    caller = request.caller
    # Whoever makes the transfer needs to know where to; whoever only reads does not.
    in_full = allowed(caller, "refunds:write")
    refund = _refund_id(request)
    return answer(await request.services.refunds.get(caller.merchant, caller.mode, refund, in_full=in_full))


TRANSFERRED = Operation(
    id="reportRefundTransfer",
    needs="refunds:write",
    summary="Report the transfer that was made for a refund",
    description="No transfer stands for two refunds.",
    answers=words.Refund,
    body=words.ReportTransfer,
    once=True,
    refusals=(RefundNotFound, RefundNotWaiting, TransferUsed, KeyReused, KeyBusy),
)


@post(f"{PATH}/{{refund:str}}/transferred", status_code=200, opt=says(TRANSFERRED))
async def report_transfer(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.ReportTransfer)
    request.query(schema.NoQuery)
    refund = _refund_id(request)
    return answered(
        await request.services.refunds.transferred(
            refund, said.transfer_reference, await once(request), rendered_as(200)
        )
    )


CANCEL = Operation(
    id="cancelRefund",
    needs="refunds:write",
    summary="Drop a refund that waits for a transfer",
    description="The money is yours again.",
    answers=words.Refund,
    once=True,
    refusals=(RefundNotFound, RefundNotWaiting, KeyReused, KeyBusy),
)


@post(f"{PATH}/{{refund:str}}/cancel", status_code=200, opt=says(CANCEL))
async def cancel_refund(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    await request.no_words()
    refund = _refund_id(request)
    return answered(await request.services.refunds.drop(refund, await once(request), rendered_as(200)))


def _refund_id(request: ApiRequest) -> str:
    refund = str(request.path_params["refund"])
    if not has_shape(refund, "re"):
        raise RefundNotFound()
    return refund


ROUTES = (create_refund, list_refunds, get_refund, report_transfer, cancel_refund)
