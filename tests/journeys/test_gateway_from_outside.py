"""The whole gateway, started and asked as anybody would."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quickkub.house.outside import (
    NEWS_SECONDS,
    Inbox,
    RunningGateway,
    call,
    environment,
    fetch_json,
    receive,
)
from quickkub.house.story import play
from quickkub.promptpay import parse_payment

ORDER = {"amount": 4_200, "currency": "THB", "method": "promptpay", "reference": "SONGKRAN-1"}


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="quickkub-journey-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def settled(shop: dict[str, str], payment: str, status: str) -> dict[str, Any]:
    """The payment once it has this status; what it is by then when it never does."""
    deadline = time.monotonic() + NEWS_SECONDS
    while (seen := call(shop, "GET", f"/v1/payments/{payment}"))["status"] != status:
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
    return seen


def pay(gateway: RunningGateway, qr: str, **how: object) -> None:
    """Pay what the QR says, as a banking app does: SCB needs to know nothing but the code."""
    fetch_json(f"{gateway.simulator}/_sim/scan", {"qr": qr, **how})


def test_the_demo_ends_with_everybody_agreeing() -> None:
    out = io.StringIO()
    assert play(out=out) == 0, out.getvalue()
    assert "Payment, webhook and ledger agree." in out.getvalue()


def test_a_payment_outlives_the_death_of_the_whole_gateway(folder: Path) -> None:
    gateway = RunningGateway(folder)
    shop = gateway.start()
    payment = call(shop, "POST", "/v1/payments", ORDER, "order-1")
    gateway.kill()
    shop = gateway.start()
    try:
        assert call(shop, "POST", "/v1/payments", ORDER, "order-1") == payment
        pay(gateway, payment["next_action"]["qr_payload"])
        assert settled(shop, payment["id"], "succeeded")["captured_amount"] == 4_200
    finally:
        gateway.stop()
    verify = [sys.executable, "-m", "quickkub.main", "ledger", "verify", "--json"]
    verified = subprocess.run(verify, env=environment(folder), capture_output=True, text=True, check=False)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_a_qr_paid_twice_and_a_callback_lost_end_in_the_books_and_before_a_person(folder: Path) -> None:
    gateway = RunningGateway(folder)
    shop = gateway.start()
    try:
        inbox = Inbox()
        call(shop, "POST", "/v1/webhook_endpoints", {"url": receive(inbox)})
        payment = call(shop, "POST", "/v1/payments", ORDER, "order-2")
        reference = parse_payment(payment["next_action"]["qr_payload"]).ref1
        fetch_json(f"{gateway.simulator}/_sim/payments/{reference}/pay", {"callback": "drop"})
        fetch_json(f"{gateway.simulator}/_sim/payments/{reference}/pay", {"callback": "duplicate"})
        _, body = inbox.wait_for("payment.overpaid")
        assert json.loads(body)["data"]["object"]["captured_amount"] == 4_200
        balance = call(shop, "GET", "/v1/balance")
        assert balance["payable"] == [{"amount": 4_200, "currency": "THB"}]
        assert balance["unapplied"] == [{"amount": 4_200, "currency": "THB"}]
        assert [case["kind"] for case in call(shop, "GET", "/v1/cases")["data"]] == ["paid_again"]
    finally:
        gateway.stop()


def test_a_second_gateway_on_the_same_folder_is_refused_and_told_who_has_it(folder: Path) -> None:
    gateway = RunningGateway(folder)
    gateway.start()
    try:
        second = subprocess.run(
            [sys.executable, "-m", "quickkub.main", "up"],
            env=environment(folder),
            capture_output=True,
            text=True,
            check=False,
        )
        assert gateway.process is not None
        assert second.returncode == 1
        assert "already runs" in second.stderr and str(gateway.process.pid) in second.stderr
    finally:
        gateway.stop()
