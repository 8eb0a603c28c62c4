"""Payments: asked for, looked at, listed, called off."""

from __future__ import annotations

from litestar import Response, get, post

from quickkub.api import schema
from quickkub.api.lists import answer, page, refuse_bad_cursors
from quickkub.api.once import answered, once, rendered_as
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.api.text import plain_metadata, plain_text, web_address
from quickkub.kernel.ids import has_shape
from quickkub.kernel.money import CURRENCIES, Money
from quickkub.payments.model import (
    AmountOutOfRange,
    CurrencyUnsupported,
    ListQuery,
    MethodUnavailable,
    NewPayment,
    PaymentNotCancellable,
    PaymentNotFound,
)
from quickkub.storage.idempotency import KeyBusy, KeyReused

PATH = "/v1/payments"

CREATE = Operation(
    id="createPayment",
    summary="Ask a payer for money",
    description=(
        "The answer holds what to show the payer. When the provider's answer was lost, the status is "
        "`processing`: the payment is settled by asking the provider, not by asking the payer again."
    ),
    answers=schema.Payment,
    status=201,
    body=schema.CreatePayment,
    once=True,
    refusals=(MethodUnavailable, CurrencyUnsupported, AmountOutOfRange, KeyReused, KeyBusy),
)


@post(PATH, status_code=201, opt=says(CREATE))
async def create_payment(request: ApiRequest) -> Response[bytes]:
    asked = _asked(await request.words(schema.CreatePayment))
    request.query(schema.NoQuery)
    done = await request.services.payments.create(asked, await once(request), rendered_as(201))
    return answered(done)


def _asked(words: schema.CreatePayment) -> NewPayment:
    currency = CURRENCIES.get(words.currency)
    if currency is None:
        raise CurrencyUnsupported(f"there is no currency {words.currency} here", param="currency")
    reference, description = words.reference, words.description
    return NewPayment(
        amount=Money(words.amount, currency),
        method=words.method,
        reference=_text(reference, "reference", schema.REFERENCE_LETTERS_MAX),
        description=_text(description, "description", schema.DESCRIPTION_LETTERS_MAX),
        metadata=plain_metadata(words.metadata or {}),
        return_url=None if words.return_url is None else web_address(words.return_url, "return_url"),
        expires_in_seconds=words.expires_in,
    )


def _text(text: str | None, param: str, letters_max: int) -> str | None:
    return None if text is None else plain_text(text, param, letters_max=letters_max)


LIST = Operation(
    id="listPayments",
    summary="List payments, newest first",
    answers=schema.List[schema.Payment],
    query=schema.PaymentsQuery,
)


@get(PATH, opt=says(LIST))
async def list_payments(request: ApiRequest) -> Response[bytes]:
    query = request.query(schema.PaymentsQuery)
    refuse_bad_cursors(query, "pay")
    found = await request.services.payments.page(
        request.caller.merchant,
        request.caller.mode,
        ListQuery(
            limit=query.limit,
            starting_after=query.starting_after,
            ending_before=query.ending_before,
            status=query.status,
            reference=_text(query.reference, "reference", schema.REFERENCE_LETTERS_MAX),
        ),
        with_attempts=bool(query.expand),
    )
    return page(PATH, found.items, has_more=found.has_more)


GET = Operation(
    id="getPayment",
    summary="Look at a payment",
    answers=schema.Payment,
    query=schema.PaymentQuery,
    refusals=(PaymentNotFound,),
)


@get(f"{PATH}/{{payment:str}}", opt=says(GET))
async def get_payment(request: ApiRequest) -> Response[bytes]:
    query = request.query(schema.PaymentQuery)
    caller = request.caller
    payment = _payment_id(request)
    shown = await request.services.payments.get(
        caller.merchant, caller.mode, payment, with_attempts=bool(query.expand)
    )
    return answer(shown)


CANCEL = Operation(
    id="cancelPayment",
    summary="Call a payment off that nobody has paid",
    description="A payer who pays all the same has paid: the payment then succeeds after all.",
    answers=schema.Payment,
    once=True,
    refusals=(PaymentNotFound, PaymentNotCancellable, KeyReused, KeyBusy),
)


@post(f"{PATH}/{{payment:str}}/cancel", status_code=200, opt=says(CANCEL))
async def cancel_payment(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    await request.no_words()
    payment = _payment_id(request)
    return answered(await request.services.payments.cancel(payment, await once(request), rendered_as(200)))


def _payment_id(request: ApiRequest) -> str:
    """What cannot be an id is not found either, and never reaches the database."""
    payment = str(request.path_params["payment"])
    if not has_shape(payment, "pay"):
        raise PaymentNotFound()
    return payment


ROUTES = (create_payment, list_payments, get_payment, cancel_payment)
