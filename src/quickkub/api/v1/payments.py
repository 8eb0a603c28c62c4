"""Payments: asked for, looked at, listed, called off."""

from __future__ import annotations

import re
from typing import Final

from litestar import Response, get, post

from quickkub.api import money_schema as money
from quickkub.api import schema
from quickkub.api.lists import answer, page, refuse_bad_cursors
from quickkub.api.once import answered, once, rendered_as
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.api.strictjson import ParameterInvalid
from quickkub.api.text import plain_metadata, plain_text, web_address
from quickkub.connectors.contract import Payer
from quickkub.fraud.subject import Hints, read_address
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import has_shape
from quickkub.kernel.money import CURRENCIES, THB, Money
from quickkub.merchants.limits import LimitExceeded
from quickkub.merchants.return_list import ReturnAddressNotListed
from quickkub.payments.instructions.model import (
    CaptureExceedsAuthorized,
    CaptureInOnePiece,
    NothingToCapture,
    NothingToVoid,
    VoidUnsupported,
)
from quickkub.payments.model import (
    AmountOutOfRange,
    CaptureUnsupported,
    CurrencyUnsupported,
    ListQuery,
    MethodUnavailable,
    NewPayment,
    PayerInputMissing,
    PaymentNotCancellable,
    PaymentNotFound,
)
from quickkub.payments.satang import NoFreeAmount
from quickkub.storage.idempotency import KeyBusy, KeyReused

PATH = "/v1/payments"

CARD_NUMBER: Final = re.compile(r"[0-9]{12,19}")
BETWEEN_DIGITS: Final = re.compile(r"[._=+/-]")
"""What a token may hold besides letters and digits, and people put between the digits of a card number."""


class CardNumberRefused(Refusal):
    """Card numbers are given to the provider's own page or script, never to us."""

    code, kind = "card_number_refused", Kind.INVALID


CREATE = Operation(
    id="createPayment",
    needs="payments:write",
    summary="Ask a payer for money",
    description=(
        "The answer holds what to show the payer. When the provider's answer was lost, the status is "
        "`processing`: the payment is settled by asking the provider, not by asking the payer again."
    ),
    answers=schema.Payment,
    status=201,
    body=schema.CreatePayment,
    once=True,
    refusals=(
        MethodUnavailable,
        CurrencyUnsupported,
        AmountOutOfRange,
        LimitExceeded,
        ReturnAddressNotListed,
        CaptureUnsupported,
        PayerInputMissing,
        NoFreeAmount,
        CardNumberRefused,
        KeyReused,
        KeyBusy,
    ),
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
        capture_later=words.capture == "manual",
        provider=words.provider,
        payer=_payer(words.payer),
        hints=_hints(words.payer),
    )


def _payer(said: schema.PayerInput | None) -> Payer:
    if said is None:
        return Payer()
    return Payer(
        name=plain_text(said.name, "payer.name", letters_max=100) if said.name else "",
        email=said.email or "",
        phone=said.phone or "",
        card_token=_token(said.card_token),
        code=said.code or "",
        device=said.device,
        language=said.language,
        ip=_address(said.ip_address),
    )


def _address(said: str | None) -> str:
    if said is not None and read_address(said) is None:
        raise ParameterInvalid("is not an IP address", param="payer.ip_address")
    return said or ""


def _hints(said: schema.PayerInput | None) -> Hints:
    """What only the fraud rules look at. Nothing that could be the number of a card comes in by this door."""
    if said is None:
        return Hints()
    for param, text in (("card_fingerprint", said.card_fingerprint), ("device_id", said.device_id)):
        if text is not None and CARD_NUMBER.fullmatch(BETWEEN_DIGITS.sub("", text)):
            raise CardNumberRefused("this is a card number", param=f"payer.{param}")
    return Hints(
        device=plain_text(said.device_id, "payer.device_id", letters_max=100) if said.device_id else "",
        card=said.card_fingerprint or "",
        bin=said.card_bin or "",
        card_country=said.card_country or "",
        country=said.country or "",
    )


def _token(token: str | None) -> str:
    """A provider's token is never the number of a card: those are refused before anything is written."""
    if token is not None and CARD_NUMBER.fullmatch(BETWEEN_DIGITS.sub("", token)):
        raise CardNumberRefused("this is a card number, not a token", param="payer.card_token")
    return token or ""


def _text(text: str | None, param: str, letters_max: int) -> str | None:
    return None if text is None else plain_text(text, param, letters_max=letters_max)


LIST = Operation(
    id="listPayments",
    needs="payments:read",
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
    needs="payments:read",
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
    needs="payments:write",
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


CAPTURE = Operation(
    id="capturePayment",
    needs="payments:write",
    summary="Take money that is held",
    description=(
        "When the provider's answer was lost, `capturing_amount` stays counted until the provider was "
        "asked; the answer then shows the payment as it is so far."
    ),
    answers=schema.Payment,
    body=money.CapturePayment,
    once=True,
    refusals=(
        PaymentNotFound,
        NothingToCapture,
        CaptureExceedsAuthorized,
        CaptureInOnePiece,
        KeyReused,
        KeyBusy,
    ),
)


@post(f"{PATH}/{{payment:str}}/capture", status_code=200, opt=says(CAPTURE))
async def capture_payment(request: ApiRequest) -> Response[bytes]:
    said = await request.words_or(money.CapturePayment)
    request.query(schema.NoQuery)
    payment = _payment_id(request)
    amount = None if said.amount is None else Money(said.amount, THB)
    return answered(
        await request.services.payments.capture(
            payment, amount, await once(request), rendered_as(200), is_last=said.final
        )
    )


VOID = Operation(
    id="voidPayment",
    needs="payments:write",
    summary="Let held money go",
    description="What was captured before stays captured; a payment of which nothing was is `cancelled`.",
    answers=schema.Payment,
    once=True,
    refusals=(PaymentNotFound, NothingToVoid, VoidUnsupported, KeyReused, KeyBusy),
)


@post(f"{PATH}/{{payment:str}}/void", status_code=200, opt=says(VOID))
async def void_payment(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    await request.no_words()
    payment = _payment_id(request)
    return answered(await request.services.payments.void(payment, await once(request), rendered_as(200)))


def _payment_id(request: ApiRequest) -> str:
    """What cannot be an id is not found either, and never reaches the database."""
    payment = str(request.path_params["payment"])
    if not has_shape(payment, "pay"):
        raise PaymentNotFound()
    return payment


ROUTES = (create_payment, list_payments, get_payment, cancel_payment, capture_payment, void_payment)
