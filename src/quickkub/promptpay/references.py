"""Biller ids and references, the same in tag 30 and in the bill barcode (promptpay pack 2.3, 3.4)."""

from __future__ import annotations

import re
from typing import Final

from quickkub.promptpay.errors import BadBillerId, MissingRef1, RefBadCharacter, RefTooLong
from quickkub.promptpay.findings import Findings
from quickkub.promptpay.tlv import printable_ascii

REFERENCE_MAX: Final = 20
BILLER_ID: Final = re.compile(r"[0-9]{15}|[0-9]{13}")
REFERENCE: Final = re.compile(r"[0-9A-Z]+")


def check_biller_id(text: str | None, found: Findings, where: str) -> None:
    """15 digits, or 13 without the bank's suffix as KBank's own sample has it."""
    if not text:
        found.refuse("missing_biller_id" if text is None else "bad_biller_id", where)
    elif not BILLER_ID.fullmatch(text):
        found.refuse("bad_biller_id", where)


def check_reference(text: str, found: Findings, where: str) -> None:
    """At most 20 of `A-Z0-9`; lower case and ASCII punctuation are an objection, anything else refuses."""
    if len(text) > REFERENCE_MAX:
        found.refuse("ref_too_long", where)
    if text and not REFERENCE.fullmatch(text):
        if printable_ascii(text):
            found.object_to("ref_bad_character", where)
        else:
            found.refuse("ref_bad_character", where)


def require_biller_id(text: str) -> None:
    """For `build`. Raises BadBillerId."""
    if not BILLER_ID.fullmatch(text):
        raise BadBillerId(param="biller_id")


def require_reference(text: str, field: str) -> None:
    """For `build`. Raises MissingRef1 (empty `ref1`), RefTooLong, RefBadCharacter."""
    if not text and field == "ref1":
        raise MissingRef1(param=field)
    if len(text) > REFERENCE_MAX:
        raise RefTooLong(param=field)
    if not REFERENCE.fullmatch(text):
        raise RefBadCharacter(param=field)
