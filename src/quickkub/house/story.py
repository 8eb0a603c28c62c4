"""The demo: a merchant, a payer and an auditor, each seeing the gateway only from outside.

Nothing here looks into the gateway's objects, so what it proves is what a merchant can rely on.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TextIO

from quickkub.house.outside import (
    Disagreement,
    Inbox,
    RunningGateway,
    agree,
    call,
    fetch,
    fetch_json,
    receive,
)
from quickkub.house.stage import Tell, command, perform
from quickkub.promptpay import parse_payment
from quickkub.webhooks.verify import NotGenuine, verify, verify_compatible

AMOUNT: Final = 15_075
"""150.75 baht: satang that a float would be tempted to round."""


def play(*, keep: bool = False, out: TextIO = sys.stdout) -> int:
    """Run the story on a throw-away folder. 0: everybody agrees. 1: somebody does not, and it is said who."""
    return perform(_story, "Payment, webhook and ledger agree.", keep=keep, out=out)


def _story(gateway: RunningGateway, shop: dict[str, Any], tell: Tell) -> None:
    payment = _take_a_payment(shop, gateway.simulator, tell)
    _audit(shop, payment, gateway.folder, tell)


def _take_a_payment(shop: Mapping[str, str], simulator: str, tell: Tell) -> dict[str, Any]:
    inbox = Inbox()
    address = receive(inbox)
    endpoint = call(shop, "POST", "/v1/webhook_endpoints", {"url": address})
    order = {"amount": AMOUNT, "currency": "THB", "method": "promptpay", "reference": "DEMO-1"}
    key = secrets.token_hex(8)
    payment = call(shop, "POST", "/v1/payments", order, key)
    agree("the same key, the same answer", payment, call(shop, "POST", "/v1/payments", order, key))
    bill = parse_payment(payment["next_action"]["qr_payload"])
    agree("the QR asks for the amount", bill.amount.minor if bill.amount else None, AMOUNT)
    tell(f"{payment['id']} waits to be paid; its QR asks for 150.75 THB")
    fetch(payment["checkout_url"])
    fetch_json(f"{simulator}/_sim/payments/{bill.ref1}/pay", {})
    tell("The payer has paid in the SCB simulator")
    headers, body = inbox.wait_for("payment.succeeded")
    try:
        verify(headers, body, [endpoint["secret"]], time.time())
        verify_compatible(headers, body, [endpoint["secret"]], time.time())
    except NotGenuine:
        raise Disagreement("the webhook's signatures do not verify") from None
    tell("The merchant has the signed webhook and its signature verifies")
    paid = call(shop, "GET", f"/v1/payments/{payment['id']}")
    agree("the payment has succeeded", paid["status"], "succeeded")
    agree("all of it was captured", paid["captured_amount"], AMOUNT)
    agree("webhook and API", json.loads(body)["data"]["object"], paid)
    return paid


def _audit(shop: Mapping[str, str], payment: Mapping[str, Any], folder: Path, tell: Tell) -> None:
    balance = call(shop, "GET", "/v1/balance")
    command(folder, "ledger", "verify")
    agree("the books owe the merchant what was paid", _payable(balance), payment["captured_amount"])
    tell("The ledger verifies and owes the merchant 150.75 THB")


def _payable(balance: Mapping[str, Any]) -> int:
    found: int = sum(one["amount"] for one in balance["payable"])
    return found
