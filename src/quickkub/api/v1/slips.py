"""Slips: looked up at a bank, never believed."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from litestar import Response, post

from quickkub.api import routing_schema as words
from quickkub.api import schema
from quickkub.api.lists import answer
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.api.strictjson import ParameterInvalid, ParameterMissing
from quickkub.kernel.ids import has_shape
from quickkub.kernel.money import THB, Money
from quickkub.payments.model import PaymentNotFound
from quickkub.payments.slips import (
    SlipAlreadyUsed,
    SlipLookupUnavailable,
    SlipQuestion,
    SlipUnreadable,
)
from quickkub.payments.slips_picture import PictureTooLarge, PictureUnreadable

ROOM_FOR_WORDS: Final = 16 * 1024

VERIFY = Operation(
    id="verifySlip",
    needs="slips:write",
    summary="Look up the transfer on a slip",
    description=(
        "The two keys in the slip's QR are asked for at your bank; nothing else of the picture counts. With "
        "a `payment` whose amount, receiver and time fit, the slip is used up for it and the payment's own "
        "provider is asked at once. A slip marks nothing as paid; only for a static PromptPay QR the bank's "
        "record of the transfer is the receipt. A repeat for the same payment gets the same answer."
    ),
    answers=words.SlipVerification,
    body=words.VerifySlip,
    refusals=(
        SlipUnreadable,
        PictureUnreadable,
        PictureTooLarge,
        PaymentNotFound,
        SlipLookupUnavailable,
        SlipAlreadyUsed,
    ),
)


@post(
    "/v1/slips/verify",
    status_code=200,
    opt=says(VERIFY),
    request_max_body_size=words.IMAGE_LETTERS_MAX + ROOM_FOR_WORDS,
)
async def verify_slip(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.VerifySlip)
    request.query(schema.NoQuery)
    caller = request.caller
    return answer(await request.services.payments.slips.verify(caller.merchant, caller.mode, _asked(said)))


def _asked(said: words.VerifySlip) -> SlipQuestion:
    if said.payload is None and said.image is None:
        raise ParameterMissing("give the QR's text here, or a picture as `image`", param="payload")
    if said.payload is not None and said.image is not None:
        raise ParameterInvalid("cannot be given together with image", param="payload")
    if said.payment is not None and not has_shape(said.payment, "pay"):
        raise PaymentNotFound()
    return SlipQuestion(
        payload=said.payload,
        picture=None if said.image is None else _picture(said.image),
        payment=said.payment,
        amount=None if said.amount is None else Money(said.amount, THB),
        account=said.account,
    )


def _picture(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ParameterInvalid("is not base64", param="image") from None


ROUTES = (verify_slip,)
