"""The sandbox's exercises: stateless, each answers for its own fixed ids only (pack A13)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from quickkub.connectors.providers.kbank.simulator import answers
from quickkub.connectors.providers.kbank.simulator.answers import AtTheGate
from quickkub.connectors.providers.kbank.simulator.qr_text import SAMPLE
from quickkub.connectors.providers.kbank.simulator.register import DEMO

SECRET: Final = DEMO["partner_secret"]


@dataclass(frozen=True, slots=True)
class Exercise:
    """What it is called with, and what it answers: a state, or the short code of a refusal, or just 00."""

    uid: str
    orig: str = ""
    state: str = ""
    short: str = ""
    qr_type: str = "3"


CREATE: Final = {"QR002": Exercise("PARTNERTEST0001"), "QR003": Exercise("PARTNERTEST0001-2", qr_type="4")}
INQUIRE: Final = {
    "QR004": Exercise("PARTNERTEST0002", "PARTNERTEST0001", "REQUESTED"),
    "QR005": Exercise("PARTNERTEST0003", "TESTCANCELQR001", "CANCELLED"),
    "QR006": Exercise("PARTNERTEST0004", "PARTNERTEST0007", "PAID"),
    "QR007": Exercise("PARTNERTEST0005", "PARTNERTEST0011", "VOIDED"),
}
CANCEL: Final = {
    "QR008": Exercise("PARTNERTEST0006", "PARTNERTEST0001"),
    "QR009": Exercise("PARTNERTEST0007", "PARTNERTEST0007", short="EMQRP"),
    "QR010": Exercise("PARTNERTEST0007", "PARTNERTEST0007", short="EMQRP"),
    "QR011": Exercise("PARTNERTEST0008", "PARTNERTEST0011", short="EMQRVOTCH"),
}
VOID: Final = {
    "QR012": Exercise("PARTNERTEST0009", "PARTNERTEST0011"),
    "QR013": Exercise("PARTNERTEST0009-2", "PARTNERTEST0001-2", qr_type="4"),
    "QR014": Exercise("PARTNERTEST0010", "PARTNERTEST0017", short="EMQRVOTCH"),
    "QR015": Exercise("PARTNERTEST0011", "PARTNERTEST0016", short="EMSET"),
    "QR016": Exercise("PARTNERTEST0012", "PARTNERTEST0007", short="EMSET"),
}


def create(request: web.Request, body: dict[str, Any]) -> web.Response:
    found = _found(CREATE, request, body)
    if isinstance(found, web.Response):
        return found
    if body.get("qrType") != found.qr_type or not body.get("reference1"):
        raise AtTheGate(400)
    sof = ["PP"] if found.qr_type == "3" else ["VISA", "MASTERCARD"]
    return answers.business(body, accountName="QUICKKUB DEMO SHOP", qrCode=SAMPLE, sof=sof)


def inquire(request: web.Request, body: dict[str, Any]) -> web.Response:
    found = _found(INQUIRE, request, body)
    if isinstance(found, web.Response):
        return found
    is_paid = found.state in ("PAID", "VOIDED")
    return answers.business(
        body,
        merchantId=DEMO["merchant_id"],
        terminalId=DEMO["terminal_id"],
        qrType="3",
        txnAmount="100.50",
        txnCurrencyCode="THB",
        reference1="INV001",
        reference2="HELLOWORLD",
        reference3="INV001",
        reference4="INV001",
        txnStatus=found.state,
        txnNo="26440008" if is_paid else "APIC1579000000001",
        loyaltyId=None,
        channel="KPLUS" if is_paid else None,
    )


def cancel(request: web.Request, body: dict[str, Any]) -> web.Response:
    return _done(CANCEL, request, body)


def void(request: web.Request, body: dict[str, Any]) -> web.Response:
    return _done(VOID, request, body)


def _done(known: dict[str, Exercise], request: web.Request, body: dict[str, Any]) -> web.Response:
    found = _found(known, request, body)
    if isinstance(found, web.Response):
        return found
    return answers.refusal(body, found.short, 200) if found.short else answers.business(body)


def _found(known: dict[str, Exercise], request: web.Request, body: dict[str, Any]) -> Exercise | web.Response:
    """The exercise the header names, if the request is its own; else the API manager's error (pack E6)."""
    exercise = known.get(request.headers.get("env-id", ""))
    if exercise is None:
        raise AtTheGate(400)
    if body.get("partnerId") != DEMO["partner_id"] or body.get("partnerSecret") != SECRET:
        return answers.refusal(body, "EMA", 200)
    if body.get("merchantId") != DEMO["merchant_id"]:
        return answers.refusal(body, "EMPM", 200)
    if body.get("partnerTxnUid") != exercise.uid or (body.get("origPartnerTxnUid") or "") != exercise.orig:
        raise AtTheGate(400)
    return exercise
