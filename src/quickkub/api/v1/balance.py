"""What the books say a merchant is owed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from litestar import Response, get

from quickkub.api import schema
from quickkub.api.lists import answer
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.ledger.chart import MERCHANT_PAYABLE, MERCHANT_UNAPPLIED, PROVIDER_RECEIVABLE, heading_of
from quickkub.ledger.store import Balance, balances

GET = Operation(
    id="getBalance",
    needs="balance:read",
    summary="What the books say you are owed",
    description=(
        "`payable`: payments after fees. `unapplied`: money that came without a payment waiting for it, such "
        "as a QR paid twice; a case decides about it. `receivable`: what providers hold until they pay out."
    ),
    answers=schema.Balance,
)


@get("/v1/balance", opt=says(GET))
async def get_balance(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    caller = request.caller
    async with request.services.db.read() as reader:
        booked = await balances(reader, caller.merchant, caller.mode)
    payable = [one for one in booked if one.account == MERCHANT_PAYABLE]
    unapplied = [one for one in booked if one.account == MERCHANT_UNAPPLIED]
    receivable = [one for one in booked if heading_of(one.account) is PROVIDER_RECEIVABLE]
    return answer(
        schema.Balance(
            object="balance",
            mode="live" if caller.mode == "live" else "test",
            # Liabilities stand on the credit side, which is stored negative.
            payable=_per_currency(payable, sign=-1),
            unapplied=_per_currency(unapplied, sign=-1),
            receivable=_per_currency(receivable, sign=1),
        )
    )


def _per_currency(booked: Sequence[Balance], *, sign: int) -> list[schema.BalanceAmount]:
    totals: dict[str, int] = defaultdict(int, {"THB": 0})
    for one in booked:
        totals[one.amount.currency.code] += sign * one.amount.minor
    return [schema.BalanceAmount(amount=amount, currency=code) for code, amount in sorted(totals.items())]


ROUTES = (get_balance,)
