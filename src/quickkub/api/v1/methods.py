"""Payment methods that can be used here."""

from __future__ import annotations

from litestar import Response, get

from quickkub.api import schema
from quickkub.api.lists import page
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.payments.methods import list_methods

PATH = "/v1/payment_methods"

LIST = Operation(
    id="listPaymentMethods",
    summary="List the payment methods of Thailand that can be used here",
    answers=schema.List[schema.PaymentMethod],
)


@get(PATH, opt=says(LIST))
async def list_payment_methods(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    async with request.services.db.read() as reader:
        methods = await list_methods(reader)
    return page(PATH, methods, has_more=False)


ROUTES = (list_payment_methods,)
