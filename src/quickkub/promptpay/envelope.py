"""From text to objects: white space, where the checksum stands and what it says, and the structure.

Order of the checks (promptpay pack 8): length and white space; position, form and value of the checksum; the
walk through the objects. A text that is shorter than its own lengths claim is told so before its checksum is
looked at, because then its last characters are not its checksum.
"""

from __future__ import annotations

from typing import Final

from quickkub.promptpay.crc import checksum
from quickkub.promptpay.findings import Findings
from quickkub.promptpay.tlv import Walk, walk

PAYMENT_CRC: Final = "63"
SLIP_CRC: Final = "91"
CRC_LENGTH: Final = "04"
CRC_CHARACTERS: Final = 4
CRC_OBJECT: Final = 8


def trim(text: str, found: Findings) -> str:
    """The text without surrounding white space, which strict mode refuses. Notes an empty payload."""
    trimmed = text.strip()
    if not trimmed:
        found.refuse("empty_payload")
        return trimmed
    if text[0].isspace():
        found.object_to("leading_whitespace")
    if text[-1].isspace():
        found.object_to("trailing_whitespace")
    return trimmed


def crc_in_place(text: str, tag: str) -> bool:
    """Whether the last eight characters begin with the checksum's id and length. Never search for them."""
    return text[-CRC_OBJECT:-CRC_CHARACTERS] == tag + CRC_LENGTH


def slip_crc_width(text: str) -> int:
    """How many characters follow a slip's `9104`: 4, fewer when leading zeros were dropped, 0 without it."""
    header = SLIP_CRC + CRC_LENGTH
    return next((width for width in (4, 3, 2, 1) if text[-CRC_OBJECT:][-width - 4 : -width] == header), 0)


def begins_like_payment(text: str) -> bool:
    """Whether tag 00 has the two characters of a payment QR; in a slip it is a template and longer."""
    return text.startswith("0002")


def crc_value_ok(text: str) -> bool:
    """Whether the last four characters are the checksum of those before them, in either case."""
    return _expected(text[:-CRC_CHARACTERS]) == text[-CRC_CHARACTERS:].upper()


def read_envelope(text: str, tag: str, found: Findings, *, any_case: bool = False) -> Walk:
    """Split a trimmed text whose checksum object has the id `tag`, reporting what is wrong with either.

    The walk leaves the checksum out when it stands in its place. `any_case` takes a lower-case checksum
    without remark, as TrueMoney writes it.
    """
    if not crc_in_place(text, tag):
        return _explain_missing_crc(text, tag, found)
    walked = walk(text, len(text) - CRC_OBJECT)
    if walked.past_text:
        found.refuse("value_overrun", walked.faults[0].id)
    _report_misplaced_crc(walked, tag, found)
    _check_crc_value(text, found, any_case=any_case)
    _report(walked, found)
    return walked


def _explain_missing_crc(text: str, tag: str, found: Findings) -> Walk:
    """Say why the checksum is not in its place: cut off, wrong length, not last, or not there at all."""
    walked = walk(text, len(text))
    _report_misplaced_crc(walked, tag, found, crc_is_last=bool(walked.objects) and not walked.faults)
    last = walked.faults[-1] if walked.faults else None
    if last is not None and last.id == tag and last.length == CRC_LENGTH:
        cut_short = last._replace(code="truncated_tlv")
        _report(walked._replace(faults=(*walked.faults[:-1], cut_short)), found)
        return walked
    _report(walked, found)
    if not any(ident == tag for ident, _ in walked.objects):
        found.refuse("crc_missing")
    return walked


def _report_misplaced_crc(walked: Walk, tag: str, found: Findings, *, crc_is_last: bool = False) -> None:
    lengths = [f"{len(value):02d}" for ident, value in walked.objects if ident == tag]
    lengths += [fault.length for fault in walked.faults if fault.id == tag and fault.code == "value_overrun"]
    if any(length != CRC_LENGTH for length in lengths):
        found.refuse("crc_wrong_length", tag)
    inner = walked.objects[:-1] if crc_is_last else walked.objects
    if any(ident == tag for ident, _ in inner):
        found.refuse("crc_not_last", tag)


def _check_crc_value(text: str, found: Findings, *, any_case: bool) -> None:
    value = text[-CRC_CHARACTERS:]
    expected = _expected(text[:-CRC_CHARACTERS])
    if expected is None or value.upper() != expected:
        found.refuse("bad_crc", text[-CRC_OBJECT : -CRC_OBJECT + 2])
    elif value != expected and not any_case:
        found.object_to("crc_not_uppercase", text[-CRC_OBJECT : -CRC_OBJECT + 2])


def _expected(text: str) -> str | None:
    try:
        return checksum(text)
    except UnicodeEncodeError:
        return None  # a lone surrogate has no UTF-8 form, so no checksum can be right


def _report(walked: Walk, found: Findings) -> None:
    for fault in walked.faults:
        found.refuse(fault.code, fault.id if fault.id.isprintable() else None)
