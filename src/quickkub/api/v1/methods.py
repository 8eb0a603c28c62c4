"""Payment methods that can be used here."""

from __future__ import annotations

from typing import Any

from litestar import Response, get

from quickkub.api import schema
from quickkub.api.lists import page
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.connectors import registry
from quickkub.kernel.money import THB
from quickkub.merchants.accounts import enabled_accounts
from quickkub.payments.methods import list_methods, own_methods
from quickkub.payments.model import CurrencyUnsupported

PATH = "/v1/payment_methods"

LIST = Operation(
    id="listPaymentMethods",
    needs="checkout:read",
    summary="List the payment methods of Thailand that can be used here",
    description=(
        "Without parameters: everything this gateway has a provider for. With `amount` or `currency`: what "
        "your own provider accounts offer for it, to let your payers choose, with the terms of each account."
    ),
    answers=schema.List[schema.PaymentMethod],
    query=schema.MethodsQuery,
    refusals=(CurrencyUnsupported,),
)


@get(PATH, opt=says(LIST))
async def list_payment_methods(request: ApiRequest) -> Response[bytes]:
    asked = request.query(schema.MethodsQuery)
    if asked == schema.MethodsQuery():
        async with request.services.db.read() as reader:
            methods = await list_methods(reader)
    else:
        methods = await _own(request, asked)
    return page(PATH, methods, has_more=False)


async def _own(request: ApiRequest, asked: schema.MethodsQuery) -> list[dict[str, Any]]:
    services, caller = request.services, request.caller
    async with services.db.read() as reader:
        methods = await list_methods(reader)
        accounts = await enabled_accounts(reader, services.vault, caller.merchant, caller.mode)
    return own_methods(
        methods,
        accounts,
        registry.providers(),
        amount=asked.amount,
        currency=asked.currency or THB.code,
    )


ROUTES = (list_payment_methods,)
