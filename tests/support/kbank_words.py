"""Orders, answers and callbacks of KBank for tests without a wire, and a hand that drives an exchange."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Generator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from quickkub.connectors.contract import (
    Account,
    Doing,
    Instruction,
    NoAnswer,
    Order,
    RawCallback,
    Request,
    Response,
    Token,
    TokenPlease,
)
from quickkub.connectors.particulars import loose_account
from quickkub.connectors.providers.kbank.manifest import MANIFEST
from quickkub.kernel.money import Money, baht
from quickkub.kernel.secrets import Secret

NOON = datetime(2026, 1, 15, 5, 0, tzinfo=UTC)
TOKEN = Token(Secret("token-1"), 1799)
KEY = "skey_test_demoSECRET0001"


def order(**more: Any) -> Order:
    usual = Order("QK2601150001", baht("100.50"), "promptpay", NOON, NOON + timedelta(minutes=15), NOON)
    return dataclasses.replace(usual, **more)


def account(**said: str) -> Account:
    return loose_account(MANIFEST, {**MANIFEST.simulator_account, **said})


def without(name: str) -> Account:
    found = account()
    settings = {key: value for key, value in found.settings.items() if key != name}
    credentials = {key: value for key, value in found.credentials.items() if key != name}
    return dataclasses.replace(found, settings=settings, credentials=credentials)


def instruction(doing: Doing = Doing.REFUND, **more: Any) -> Instruction:
    amount = baht("100.50")
    usual = Instruction(
        doing, "QK26011500A1", amount, NOON, NOON, amount, Money(0), transaction_id="26440008"
    )
    return dataclasses.replace(usual, **more)


def driven(
    exchange: Generator[Any, Any, Any], answers: Sequence[Response | NoAnswer] = ()
) -> tuple[Any, list[Request]]:
    """The outcome when these answers come one after the other, and what was asked; tokens are free."""
    asked: list[Request] = []
    left = list(answers)
    try:
        effect = next(exchange)
        while True:
            if isinstance(effect, TokenPlease):
                effect = exchange.send(TOKEN)
            else:
                asked.append(effect)
                came = left.pop(0)
                effect = exchange.throw(came) if isinstance(came, NoAnswer) else exchange.send(came)
    except StopIteration as end:
        return end.value, asked


def answer(status: int, body: Any) -> Response:
    return Response(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


def ok(**more: Any) -> Response:
    echo = {"partnerTxnUid": "QK2601150001", "partnerId": "PTR1051673"}
    return answer(200, {**echo, "statusCode": "00", "errorCode": None, "errorDesc": None, **more})


def refused(code: str, text: str = "", status: int = 200) -> Response:
    echo = {"partnerTxnUid": "QK2601150001", "partnerId": "PTR1051673"}
    return answer(status, {**echo, "statusCode": "10", "errorCode": code, "errorDesc": text})


def stands(status: str, **more: Any) -> Response:
    usual = {
        "merchantId": "KB102057149704",
        "txnAmount": "100.50",
        "txnCurrencyCode": "THB",
        "reference1": "QK2601150001",
        "txnStatus": status,
        "txnNo": "26440008",
    }
    return ok(**(usual | more))


def charge(state: str, status: str = "success", **more: Any) -> dict[str, Any]:
    usual = {
        "id": "chrg_test_1",
        "object": "charge",
        "amount": 100.50,
        "currency": "THB",
        "transaction_state": state,
        "created": "20260115103000123",
        "status": status,
        "reference_order": "QK2601150001",
    }
    return usual | more


def words_of(request: Request) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(request.body, parse_float=Decimal)
    return said


def raw(body: Any, **more: Any) -> RawCallback:
    return RawCallback("POST", more.pop("headers", {}), {}, json.dumps(body).encode(), **more)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["statusCode", "errorCode", "partnerId", "txnStatus", "txnAmount", "txnNo", "qrCode", "status", "id",
     "transaction_state", "amount", "currency", "created", "refund_info", "code", "message", "object"]
)  # fmt: skip
BODIES = st.dictionaries(
    NAMES, JSON | st.sampled_from(["00", "10", "PAID", "success", "Authorized"]), max_size=9
)
