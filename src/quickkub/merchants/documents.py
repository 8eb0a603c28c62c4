"""What an uploaded document is, told by its content: what somebody calls it proves nothing."""

from __future__ import annotations

from typing import Final

from quickkub.kernel.errors import Kind, Refusal

BYTES_MAX: Final = 10 * 1024 * 1024
KINDS: Final = (
    "company_certificate",
    "id_card",
    "bank_book",
    "vat_certificate",
    "shop_photograph",
    "other",
)
_PDF_TAIL: Final = 2048
"""Readers look for `%%EOF` in the last bytes of a PDF (ISO 32000-1, annex H.3 of older readers: 1024)."""

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8\xff"
_JPEG_END: Final = b"\xff\xd9"
# Words by which a PDF acts instead of being read.
_ACTIVE: Final = (b"/JavaScript", b"/JS ", b"/JS(", b"/Launch", b"/EmbeddedFile", b"/OpenAction", b"/XFA")


class DocumentRefused(Refusal):
    """The file is empty, too large, not what it is said to be, or of a kind that is not taken."""

    code, kind = "document_refused", Kind.UNPROCESSABLE


def media_type_of(content: bytes) -> str:
    """`application/pdf`, `image/png` or `image/jpeg`. Raises DocumentRefused.

    The file must begin and end as its kind does, so that a page or a script behind a picture's first bytes is
    not taken for a picture, and a PDF must not hold what runs by itself.
    """
    if not content or len(content) > BYTES_MAX:
        raise DocumentRefused(f"a document has 1 to {BYTES_MAX} bytes", param="body")
    if content.startswith(_PNG) and content[12:16] == b"IHDR" and content.endswith(b"IEND\xaeB`\x82"):
        return "image/png"
    if content.startswith(_JPEG) and content.rstrip(b"\0").endswith(_JPEG_END):
        return "image/jpeg"
    if content.startswith(b"%PDF-") and b"%%EOF" in content[-_PDF_TAIL:]:
        if any(word in content for word in _ACTIVE):
            raise DocumentRefused("a PDF must not hold scripts, attachments or actions", param="body")
        return "application/pdf"
    raise DocumentRefused("send a whole PDF, PNG or JPEG", param="body")
