"""The demo of all providers: each takes a payment and gives it back, and three books are compared.

The merchant, the payer and the auditor see the gateway and the simulators only from outside. Providers and
their methods come from the manifests, so that a new provider is in the story without a line here.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TextIO
from urllib.parse import urlencode

from quickkub.connectors import registry
from quickkub.connectors.contract import Can, Manifest, MethodOffer
from quickkub.house.outside import NEWS_SECONDS, Disagreement, RunningGateway, agree, call, fetch, fetch_json
from quickkub.house.stage import Tell, command, perform
from quickkub.kernel.money import Money, decimal_text

AMOUNT: Final = 15_075
STEP: Final = 101
"""The next provider's payment is 1.01 baht more, so that one is never taken for another."""

PAYER: Final = {"name": "Somchai Jaidee", "email": "somchai@example.com", "phone": "0812345678"}
"""What a shop knows of a payer; a card's token or the code of an app would have to be made by others."""

BACK: Final = "https://shop.example/thanks"
LOOK_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Played:
    """What became of one payment, in satang. `left` is what the provider still has of it: nothing when it
    gave the money back itself, all of it when a person transferred it, which `transfer` is the number of.
    """

    provider: str
    method: str
    amount: int
    left: int
    transfer: str | None

    def __str__(self) -> str:
        way = f"by bank transfer {self.transfer}" if self.transfer else "by the provider"
        return f"{self.provider:10} {self.method:10} {Money(self.amount)} paid, given back {way}"


def play(*, keep: bool = False, out: TextIO = sys.stdout) -> int:
    """Run the story. 0: simulators, API and ledger agree on every provider to the satang; else 1."""
    return perform(_story, "Every provider, the API and the ledger agree to the satang.", keep=keep, out=out)


def _story(gateway: RunningGateway, shop: dict[str, Any], tell: Tell) -> None:
    played: list[Played] = []
    wrong: list[str] = []
    manifests = registry.providers()
    for number, name in enumerate(shop["accounts"]):
        try:
            offer = method_of(manifests[name])
            played.append(visit(gateway, shop, name, offer, satang=AMOUNT + number * STEP))
            tell(str(played[-1]))
        except Disagreement as disagreement:
            wrong.append(name)
            tell(f"{name:10} FAILED: {disagreement}")
    _audit(gateway, shop, played)
    if wrong:
        raise Disagreement(f"{', '.join(wrong)} went wrong; the others agree")
    tell("The books verify, every invariant holds, and the ledger has each provider's balance")


def visit(
    gateway: RunningGateway,
    shop: Mapping[str, Any],
    provider: str,
    offer: MethodOffer,
    *,
    satang: int,
    payer: Mapping[str, str] = PAYER,
) -> Played:
    """One payment from its creation to its refund, of so much or what the method takes.

    What the provider's simulator says moved is compared with the API after each step. Raises Disagreement.
    """
    simulator = gateway.simulator_of(provider)
    before = _truth(simulator)
    satang = min(max(satang, offer.amount_min), offer.amount_max)
    payment = _asks(shop, provider, offer.method, satang, payer)
    if payment["status"] != "succeeded":
        _pays(simulator, payment)
    paid = _until(shop, f"/v1/payments/{payment['id']}", "succeeded")
    agree("all of it was captured", paid["captured_amount"], paid["amount"])
    agree("what came, and what was captured", _truth(simulator) - before, paid["captured_amount"])
    refund = _gives_back(shop, paid["id"], offer)
    over = call(shop, "GET", f"/v1/payments/{payment['id']}")
    agree("all of it was given back", over["refunded_amount"], paid["captured_amount"])
    left = refund["amount"] if refund["way"] == "bank_transfer" else 0
    agree("what the provider has left", _truth(simulator) - before, left)
    return Played(provider, offer.method, paid["amount"], left, refund["transfer_reference"])


def method_of(manifest: Manifest) -> MethodOffer:
    """The method to show a provider with: one it refunds, if a payer of whom little is known can use it."""
    usable = [offer for offer in manifest.methods if PAYER.keys() >= set(offer.needs)]
    if not usable:
        raise Disagreement(f"{manifest.name} has no method for a payer who brings nothing")
    return next((offer for offer in usable if Can.REFUND in offer.can), usable[0])


def _asks(
    shop: Mapping[str, Any], provider: str, method: str, satang: int, payer: Mapping[str, str]
) -> dict[str, Any]:
    order = {
        "amount": satang,
        "currency": "THB",
        "method": method,
        "provider": provider,
        "reference": f"DEMO-{provider}",
        "return_url": BACK,
        "payer": payer,
    }
    payment = call(shop, "POST", "/v1/payments", order, secrets.token_hex(8))
    agree("the payment goes through the provider that was asked for", payment["provider"], provider)
    return payment


def _pays(simulator: str, payment: Mapping[str, Any]) -> None:
    """What the payer does: goes where the payment says, pays there, and comes back."""
    action = payment["next_action"] or {"type": ""}
    fetch(payment["checkout_url"])
    match action["type"]:
        case "redirect":
            fetch(action["url"])
        case "form_post":
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            fetch(action["url"], urlencode(action["fields"]).encode(), "POST", form)
    baht = decimal_text(Money(payment["amount"]))
    items = fetch_json(f"{simulator}/_sim/items", None, method="GET")["items"]
    known = next((item for item in items if item["amount"] == baht), None)
    if known is None:  # a QR of which nobody hears before it is scanned
        fetch_json(f"{simulator}/_sim/scan", {"qr": action["qr_payload"]})
    elif not known["paid"]:
        fetch_json(f"{simulator}/_sim/payments/{known['ref']}/pay", {})
    if action["type"] in ("redirect", "form_post", "open_app"):
        fetch(payment["checkout_url"] + "/back")


def _gives_back(shop: Mapping[str, Any], payment: str, offer: MethodOffer) -> dict[str, Any]:
    """A refund of all of it; where the provider refunds nothing, somebody transfers it and says so."""
    asked: dict[str, Any] = {"payment": payment}
    if Can.REFUND not in offer.can:
        asked["destination"] = {"bank": "014", "account": "1234567890", "name": PAYER["name"]}
    refund = call(shop, "POST", "/v1/refunds", asked, secrets.token_hex(8))
    path = f"/v1/refunds/{refund['id']}"
    if _until(shop, path, "succeeded", "requires_transfer")["status"] == "requires_transfer":
        told = {"transfer_reference": f"DEMO-{secrets.token_hex(4).upper()}"}
        call(shop, "POST", f"{path}/transferred", told, secrets.token_hex(8))
    return _until(shop, path, "succeeded")


def _until(shop: Mapping[str, Any], path: str, *statuses: str) -> dict[str, Any]:
    """The object once it has one of these statuses. Raises Disagreement when that does not come in time."""
    deadline = time.monotonic() + NEWS_SECONDS
    while (seen := call(shop, "GET", path))["status"] not in statuses:
        if time.monotonic() > deadline:
            raise Disagreement(f"{path} did not become {' or '.join(statuses)}: {json.dumps(seen)}")
        time.sleep(LOOK_SECONDS)
    return seen


def _truth(simulator: str) -> int:
    """All money that came to the provider and was not given back, in satang."""
    total: int = fetch_json(f"{simulator}/_sim/truth", None, method="GET")["total_satang"]
    return total


def _audit(gateway: RunningGateway, shop: Mapping[str, Any], played: list[Played]) -> None:
    """Simulators, API and ledger, compared per provider and in sum. Raises Disagreement."""
    (books,) = json.loads(command(gateway.folder, "ledger", "balances", "--json"))
    booked = {one["account"]: one["amount"] for one in books["balances"]}
    for one in played:
        account = f"provider:{one.provider}:{shop['accounts'][one.provider]['id']}:receivable"
        agree(f"the ledger's balance of {one.provider}", booked.get(account), one.left)
    balance = call(shop, "GET", "/v1/balance")
    left = sum(one.left for one in played)
    agree("what providers hold in all", _total(balance["receivable"]), left)
    agree("what was transferred from the bank", -booked.get("bank:own", 0), left)
    agree("what the merchant is owed", _total(balance["payable"]), 0)
    agree("money that is nobody's", _total(balance["unapplied"]), 0)
    command(gateway.folder, "ledger", "verify")
    command(gateway.folder, "check", "invariants", "--quiet")


def _total(amounts: list[dict[str, Any]]) -> int:
    found: int = sum(one["amount"] for one in amounts)
    return found
