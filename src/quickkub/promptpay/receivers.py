"""Whom a payment QR pays: the applications of tags 29 and 30 and what they hold (promptpay pack 2.1-2.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from quickkub.promptpay import aids, templates
from quickkub.promptpay.findings import (
    BANK_ACCOUNT_PROXY,
    BILLER_ID_13_DIGITS,
    CHECK_DIGIT,
    TWO_RECEIVERS,
    UNKNOWN_OBJECT,
    Findings,
)
from quickkub.promptpay.model import Biller, QrKind
from quickkub.promptpay.proxies import (
    BANK_ACCOUNT,
    CITIZEN_OR_TAX,
    PROXY_TAGS,
    Proxy,
    check_digit_matches,
    proxy_fault,
)
from quickkub.promptpay.references import check_biller_id, check_reference
from quickkub.promptpay.templates import Root, Templates

OTA_TAG: Final = "05"
OTA_LENGTH: Final = 10
PROMPT_PAYER: Final = "***"


def kind_of(proxy: Proxy | None, ota: str | None = None) -> QrKind:
    """A QR with both receivers counts as the transfer, whose tag comes first; both are in the result."""
    if proxy is None:
        return QrKind.BILL_PAYMENT
    return QrKind.TRUEMONEY if proxy.truemoney_mobile and ota is None else QrKind.CREDIT_TRANSFER


def ota_of(transfer: Mapping[str, str]) -> str | None:
    """The one-time authorisation, which only the customer-presented application carries."""
    return transfer.get(OTA_TAG) if transfer.get("00") == aids.CUSTOMER_PRESENTED else None


def check_receivers(
    root: Root, inner: Templates, found: Findings, *, whole: bool
) -> tuple[Proxy | None, Biller | None]:
    """Report what is wrong with the receivers, and give those there are."""
    transfer, bill = inner.get(aids.TRANSFER_TAG), inner.get(aids.BILL_TAG)
    if transfer is None and bill is None and whole:
        found.refuse("missing_merchant_account")
    _check_aids(inner, found)
    proxy = None if transfer is None else _check_transfer(transfer, found)
    biller = None if bill is None else _check_bill(bill, root, inner, found)
    if transfer is not None and bill is not None:
        found.note(TWO_RECEIVERS)
    return proxy, biller


def _check_aids(inner: Templates, found: Findings) -> None:
    """Tags 29 and 30 take only their own applications, compared exactly; other tags anything but those."""
    own = {aids.TRANSFER_TAG: aids.TRANSFER_AIDS, aids.BILL_TAG: aids.BILL_AIDS}
    for tag in sorted(templates.ACCOUNT_TAGS & inner.keys()):
        aid = inner[tag].get("00")
        misplaced = aid in aids.RECEIVER_AIDS and aid not in own.get(tag, ())
        unknown = tag in own and aid is not None and aid not in own[tag]
        if misplaced or unknown:
            found.refuse("unknown_aid", tag)


def _check_transfer(part: Mapping[str, str], found: Findings) -> Proxy | None:
    customer_presented = part.get("00") == aids.CUSTOMER_PRESENTED
    if customer_presented and OTA_TAG not in part:
        found.refuse("ota_missing", aids.TRANSFER_TAG)
    elif customer_presented and len(part[OTA_TAG]) != OTA_LENGTH:
        found.refuse("ota_bad_length", f"{aids.TRANSFER_TAG}-{OTA_TAG}")
    if part.keys() - {"00", *PROXY_TAGS} - ({OTA_TAG} if customer_presented else set()):
        found.note(UNKNOWN_OBJECT)
    proxies = [Proxy(tag, part[tag]) for tag in PROXY_TAGS if tag in part]
    if len(proxies) != 1:
        found.refuse("multiple_proxies" if proxies else "missing_proxy", aids.TRANSFER_TAG)
    for proxy in proxies:
        _check_proxy_value(proxy, found)
    return proxies[0] if proxies else None


def _check_proxy_value(proxy: Proxy, found: Findings) -> None:
    fault = proxy_fault(proxy)
    if fault is not None:
        found.refuse(fault, f"{aids.TRANSFER_TAG}-{proxy.tag}")
    elif proxy.tag == BANK_ACCOUNT:
        found.note(BANK_ACCOUNT_PROXY)
    elif proxy.tag == CITIZEN_OR_TAX and not check_digit_matches(proxy.value):
        found.note(CHECK_DIGIT)


def _check_bill(part: Mapping[str, str], root: Root, inner: Templates, found: Findings) -> Biller:
    if part.keys() - {"00", "01", "02", "03"}:
        found.note(UNKNOWN_OBJECT)
    biller_id, ref1, ref2 = part.get("01"), part.get("02", ""), part.get("03")
    check_biller_id(biller_id, found, f"{aids.BILL_TAG}-01")
    if biller_id is not None and len(biller_id) == 13:  # noqa: PLR2004 - the form without the bank's suffix
        found.note(BILLER_ID_13_DIGITS)
    if ref1:
        check_reference(ref1, found, f"{aids.BILL_TAG}-02")
    else:
        found.refuse("missing_ref1", aids.BILL_TAG)
    if ref2 is not None:
        check_reference(ref2, found, f"{aids.BILL_TAG}-03")
    ref3 = inner.get(templates.ADDITIONAL_TAG, {}).get("07")
    if ref3 is not None and ref3 != PROMPT_PAYER:
        check_reference(ref3, found, f"{templates.ADDITIONAL_TAG}-07")
    return Biller(part.get("00", ""), biller_id or "", ref1, ref2 or None)
