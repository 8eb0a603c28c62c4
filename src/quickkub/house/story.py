"""The demo: a merchant, a payer and an auditor, each seeing the gateway only from outside.

Nothing here looks into the gateway's objects, so what it proves is what a merchant can rely on.
"""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TextIO

from quickkub.house.outside import (
    Disagreement,
    Inbox,
    RunningGateway,
    agree,
    call,
    environment,
    fetch,
    fetch_json,
    receive,
)
from quickkub.promptpay import parse_payment
from quickkub.webhooks.verify import NotGenuine, verify, verify_compatible

AMOUNT: Final = 15_075
"""150.75 baht: satang that a float would be tempted to round."""


def play(*, keep: bool = False, out: TextIO = sys.stdout) -> int:
    """Run the story on a throw-away folder. 0: everybody agrees. 1: somebody does not, and it is said who."""
    folder = Path(tempfile.mkdtemp(prefix="quickkub-demo-"))
    folder.chmod(0o711)  # as root, PostgreSQL's own user must get through to its folder
    began = time.monotonic()

    def tell(line: str) -> None:
        out.write(f"[{time.monotonic() - began:5.1f} s] {line}\n")
        out.flush()

    try:
        _story(folder, tell)
        tell("Payment, webhook and ledger agree.")
        return 0
    except Disagreement as disagreement:
        tell(f"FAILED: {disagreement}")
        for log in sorted((folder / "log").glob("*.log")):
            out.write(f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}\n")
        return 1
    finally:
        if keep:
            tell(f"The data is in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _story(folder: Path, tell: Callable[[str], None]) -> None:
    gateway = RunningGateway(folder)
    tell("Starting a gateway on a throw-away folder")
    try:
        shop = gateway.start()
        tell("The gateway is ready")
        payment = _take_a_payment(shop, gateway.simulator, tell)
        _audit(shop, payment, folder, tell)
    except Disagreement:
        gateway.kill()
        raise
    gateway.stop()
    tell("The gateway has stopped and left nothing running")


def _take_a_payment(shop: Mapping[str, str], simulator: str, tell: Callable[[str], None]) -> dict[str, Any]:
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


def _audit(
    shop: Mapping[str, str], payment: Mapping[str, Any], folder: Path, tell: Callable[[str], None]
) -> None:
    balance = call(shop, "GET", "/v1/balance")
    verified = subprocess.run(
        [sys.executable, "-m", "quickkub.main", "ledger", "verify"],
        env={**environment(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    if verified.returncode:
        raise Disagreement(f"ledger verify: {verified.stdout}{verified.stderr}")
    agree("the books owe the merchant what was paid", _payable(balance), payment["captured_amount"])
    tell("The ledger verifies and owes the merchant 150.75 THB")


def _payable(balance: Mapping[str, Any]) -> int:
    found: int = sum(one["amount"] for one in balance["payable"])
    return found
