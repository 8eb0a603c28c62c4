"""Objects inside objects: which tags nest, and what 62, 64, 80 and 81 hold (promptpay pack 1.3, 2.6, 3.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from quickkub.promptpay.model import AdditionalData, Language, Vat
from quickkub.promptpay.tlv import Objects, first_values, walk

Root = Mapping[str, str]
"""Root objects by id."""
Templates = Mapping[str, Mapping[str, str]]
"""Sub-objects by the tag of their template."""

ADDITIONAL_TAG: Final = "62"
LANGUAGE_TAG: Final = "64"
VAT_TAG: Final = "80"
MESSAGE_TAG: Final = "81"

ACCOUNT_TAGS: Final = frozenset(f"{tag:02d}" for tag in range(26, 52))
# 81 to 99 are templates by EMVCo's book, but TrueMoney's 81 is not one and the rest is free for others:
# they are kept as they are, and their content refuses nothing.
NESTING_TAGS: Final = ACCOUNT_TAGS | {ADDITIONAL_TAG, LANGUAGE_TAG, VAT_TAG}

ADDITIONAL_FIELDS: Final = {
    "01": "bill_number",
    "02": "mobile_number",
    "03": "store_label",
    "04": "loyalty_number",
    "05": "reference_label",
    "06": "customer_label",
    "07": "terminal_label",
    "08": "purpose",
    "09": "consumer_data",
    "10": "merchant_tax_id",
    "11": "merchant_channel",
}
ADDITIONAL_MAX: Final = {"09": 3, "10": 20, "11": 3}
ADDITIONAL_DEFAULT_MAX: Final = 25

LANGUAGE_NAME_MAX: Final = 25
LANGUAGE_CITY_MAX: Final = 15
MESSAGE_HEX_MAX: Final = 96
"""24 units of UTF-16, the most whole ones in 99 characters."""

_LANGUAGE_CODE: Final = re.compile(r"[A-Za-z]{2}")
VAT_BRANCH: Final = re.compile(r"[0-9]{4}")
VAT_RATE: Final = re.compile(r"(?=.{1,5}$)[0-9]+(?:\.[0-9]+)?")
VAT_AMOUNT: Final = re.compile(r"(?=.{1,13}$)[0-9]+(?:\.[0-9]{0,2})?")


def split(value: str) -> Objects | None:
    """Sub-objects of a template, or None when it does not split exactly or repeats an id."""
    walked = walk(value, len(value))
    return None if walked.faults else walked.objects


def read_additional(value: str) -> AdditionalData | None:
    """Tag 62. None when it does not split or holds a field longer than EMVCo allows."""
    parts = split(value)
    if parts is None or not all(len(text) <= additional_max(tag) for tag, text in parts):
        return None
    return AdditionalData(**{ADDITIONAL_FIELDS[tag]: text for tag, text in parts if tag in ADDITIONAL_FIELDS})


def additional_max(tag: str) -> int:
    """Most characters of a sub-object of tag 62; 12 and up are only bound by the template."""
    return ADDITIONAL_MAX.get(tag, ADDITIONAL_DEFAULT_MAX if tag in ADDITIONAL_FIELDS else 99)


def read_language(value: str) -> Language | None:
    """Tag 64. None when the language or the name is missing or a text is too long."""
    part = first_values(split(value) or ())
    language, name, city = part.get("00", ""), part.get("01", ""), part.get("02")
    fits = len(name) <= LANGUAGE_NAME_MAX and len(city or "") <= LANGUAGE_CITY_MAX
    return Language(language, name, city) if name and fits and _LANGUAGE_CODE.fullmatch(language) else None


def language_code_ok(text: str) -> bool:
    """Whether `text` is two ASCII letters."""
    return _LANGUAGE_CODE.fullmatch(text) is not None


def read_vat(value: str) -> Vat | None:
    """Tag 80. None when a part is not in the form of pack 2.6."""
    part = first_values(split(value) or ())
    vat = Vat(part.get("00", ""), part.get("01"), part.get("02"))
    return vat if vat_ok(vat) else None


def vat_ok(vat: Vat) -> bool:
    """Whether branch, rate and amount have the forms of pack 2.6."""
    return (
        VAT_BRANCH.fullmatch(vat.branch) is not None
        and (vat.rate is None or VAT_RATE.fullmatch(vat.rate) is not None)
        and (vat.amount is None or VAT_AMOUNT.fullmatch(vat.amount) is not None)
    )


def read_message(value: str) -> str | None:
    """Tag 81: UTF-16BE as upper-case hex. None when it is anything else."""
    if not re.fullmatch(r"(?:[0-9A-F]{4})*", value):
        return None
    try:
        return bytes.fromhex(value).decode("utf-16-be")
    except UnicodeDecodeError:
        return None


def write_message(text: str) -> str:
    """The other direction. Raises UnicodeEncodeError for a lone surrogate."""
    return text.encode("utf-16-be").hex().upper()
