"""The demo: a merchant, a payer and an auditor, each seeing the gateway only from outside.

It starts `quickkub up` as anybody would, and talks to it over HTTP. Nothing here looks into the gateway's
objects, so what it proves is what a merchant can rely on.
"""

from __future__ import annotations

import http.server
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

from quickkub.promptpay import parse_payment
from quickkub.webhooks.verify import NotGenuine, verify, verify_compatible

AMOUNT: Final = 15_075
"""150.75 baht: satang that a float would be tempted to round."""

START_SECONDS: Final = 90
NEWS_SECONDS: Final = 30
STOP_SECONDS: Final = 40


class Disagreement(Exception):
    """The gateway, the webhook and the books do not tell the same story."""


@dataclass
class Inbox:
    """The merchant's webhook receiver: keeps what came, exactly as it came."""

    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def take(self, headers: dict[str, str], body: bytes) -> None:
        with self.arrived:
            self.received.append((headers, body))
            self.arrived.notify_all()

    def wait_for(self, kind: str) -> tuple[dict[str, str], bytes]:
        """The first webhook of a type; raises Disagreement when none comes in time."""

        def found() -> tuple[dict[str, str], bytes] | None:
            return next((one for one in self.received if json.loads(one[1])["type"] == kind), None)

        with self.arrived:
            self.arrived.wait_for(lambda: found() is not None, NEWS_SECONDS)
            one = found()
        if one is None:
            raise Disagreement(f"no {kind} webhook came within {NEWS_SECONDS} s")
        return one


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
    ports = free_port(), free_port()
    tell("Starting a gateway on a throw-away folder")
    gateway = _start(folder, *ports)
    try:
        shop = _wait_until_ready(folder, gateway, ports[0])
        tell("The gateway is ready")
        payment = _take_a_payment(shop, f"http://127.0.0.1:{ports[1]}", tell)
        _audit(shop, payment, folder, tell)
    finally:
        _stop(gateway)
    tell("The gateway has stopped and left nothing running")


def _take_a_payment(shop: Mapping[str, str], simulator: str, tell: Callable[[str], None]) -> dict[str, Any]:
    inbox = Inbox()
    address = _receive(inbox)
    endpoint = call(shop, "POST", "/v1/webhook_endpoints", {"url": address})
    order = {"amount": AMOUNT, "currency": "THB", "method": "promptpay", "reference": "DEMO-1"}
    key = secrets.token_hex(8)
    payment = call(shop, "POST", "/v1/payments", order, key)
    agree("the same key, the same answer", payment, call(shop, "POST", "/v1/payments", order, key))
    bill = parse_payment(payment["next_action"]["qr_payload"])
    agree("the QR asks for the amount", bill.amount.minor if bill.amount else None, AMOUNT)
    tell(f"{payment['id']} waits to be paid; its QR asks for 150.75 THB")
    _fetch(payment["checkout_url"])
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
        env={**_environment(folder)},
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


def agree(what: str, one: object, other: object) -> None:
    """Raises Disagreement when the two are not equal."""
    if one != other:
        raise Disagreement(f"{what}: {one!r} is not {other!r}")


def free_port() -> int:
    """A port nobody listens on, below the range from which the system gives out ports by itself."""
    for _ in range(200):
        port = 20_000 + secrets.randbelow(10_000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise Disagreement("no free port was found")


def _environment(folder: Path) -> dict[str, str]:
    own = {k: v for k, v in os.environ.items() if not k.startswith("QUICKKUB_") and k != "DATABASE_URL"}
    return {**own, "QUICKKUB_DATA_DIR": str(folder)}


def _start(folder: Path, port: int, simulators_port: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "quickkub.main", "up", "--port", str(port)],
        env={**_environment(folder), "QUICKKUB_SIMULATORS_PORT": str(simulators_port)},
        stdout=subprocess.DEVNULL,
        stderr=(folder / "up.log").open("wb"),
        start_new_session=True,
    )


def _wait_until_ready(folder: Path, gateway: subprocess.Popen[bytes], port: int) -> dict[str, str]:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if gateway.poll() is not None:
            raise Disagreement(f"quickkub up ended: {(folder / 'up.log').read_text()}")
        try:
            _fetch(f"http://127.0.0.1:{port}/readyz")
            shop: dict[str, str] = json.loads((folder / "demo.json").read_text())
            return shop
        except (OSError, Disagreement):
            time.sleep(0.1)
    raise Disagreement(f"the gateway was not ready within {START_SECONDS} s")


def _stop(gateway: subprocess.Popen[bytes]) -> None:
    gateway.send_signal(signal.SIGINT)
    try:
        agree("quickkub up ends with 0 when it is asked to", gateway.wait(STOP_SECONDS), 0)
    except subprocess.TimeoutExpired:
        gateway.kill()
        raise Disagreement(f"the gateway did not stop within {STOP_SECONDS} s") from None


def call(
    shop: Mapping[str, str], method: str, path: str, body: object | None = None, key: str | None = None
) -> dict[str, Any]:
    """Ask the gateway as the merchant. Raises Disagreement for any answer but a 2xx."""
    headers = {"Authorization": f"Bearer {shop['api_key']}"}
    if key:
        headers["Idempotency-Key"] = key
    return fetch_json(shop["url"] + path, body, method=method, headers=headers)


def fetch_json(
    url: str, body: object | None, *, method: str = "POST", headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Send and receive JSON."""
    data = None if body is None else json.dumps(body).encode()
    sent = {**(headers or {}), **({"Content-Type": "application/json"} if data is not None else {})}
    answer: dict[str, Any] = json.loads(_fetch(url, data, method, sent))
    return answer


def _fetch(
    url: str, data: bytes | None = None, method: str = "GET", headers: Mapping[str, str] | None = None
) -> bytes:
    request = urllib.request.Request(url, data=data, method=method, headers=dict(headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: bytes = answer.read()
            return found
    except urllib.error.HTTPError as error:
        raise Disagreement(f"{method} {url} answered {error.code}: {error.read()[:500]!r}") from error


def _receive(inbox: Inbox) -> str:
    """Start the merchant's receiver in a thread; returns its address."""

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            inbox.take({k.lower(): v for k, v in self.headers.items()}, body)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing: the story is told elsewhere."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/webhooks"
