"""Documents are what they are, not what they are called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.merchants.documents import BYTES_MAX, DocumentRefused, media_type_of

PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< >>\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0" * 17 + b"\0\0\0\0IEND\xaeB`\x82"
JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 20 + b"\xff\xd9"


@pytest.mark.parametrize(
    ("content", "media_type"), [(PDF, "application/pdf"), (PNG, "image/png"), (JPEG, "image/jpeg")]
)
def test_whole_files_of_three_kinds_are_taken(content: bytes, media_type: str) -> None:
    assert media_type_of(content) == media_type


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html><script>alert(1)</script></html>",
        b"MZ\x90\0",
        b"GIF89a" + b"\0" * 20,
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        PNG + b"<script>alert(1)</script>",
        JPEG + b"<?php system($_GET[0]); ?>",
        PDF.replace(b"%%EOF", b""),
        PDF.replace(b"/Type", b"/OpenAction << /S /JavaScript /JS (app.alert(1)) >> /Type"),
        PDF.replace(b"/Type", b"/Launch /Type"),
        b" " + PDF,
        PDF[:20],
        PDF + b"\0" * BYTES_MAX,
    ],
)
def test_what_is_cut_dressed_up_or_acts_by_itself_is_refused(content: bytes) -> None:
    with pytest.raises(DocumentRefused):
        media_type_of(content)


@given(st.binary(max_size=200))
def test_random_bytes_are_never_a_document(content: bytes) -> None:
    with pytest.raises(DocumentRefused):
        media_type_of(content)
