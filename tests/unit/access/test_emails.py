"""E-mail addresses: what may be one, and which are the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.access.emails import EmailInvalid, masked, read_email


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("somchai@example.com", "somchai@example.com"),
        ("Somchai.Jaidee+shop@Example.COM", "somchai.jaidee+shop@example.com"),
        ("  somchai@example.com  ", "somchai@example.com"),
        ("somchai@ร้านค้า.ไทย", "somchai@xn--42c5b3a1dc8kd.xn--o3cw4h"),
        ("o'hara_{x}~1@a-b.co.th", "o'hara_{x}~1@a-b.co.th"),
    ],
)
def test_spellings_of_one_address_are_one_account(text: str, normal: str) -> None:
    assert read_email(text).normal == normal


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "somchai",
        "@example.com",
        "somchai@",
        "somchai@localhost",
        "somchai@example..com",
        "somchai@-example.com",
        "somchai@exam_ple.com",
        "somchai@[127.0.0.1]",
        ".somchai@example.com",
        "somchai.@example.com",
        "som..chai@example.com",
        "som chai@example.com",
        "สมชาย@example.com",
        '"som@chai"@example.com',
        "som@chai@example.com",
        "somchai@example.com\nBcc: all@example.com",
        "somchai@example.com\r",
        "somchai@example.com\0",
        "somchai,suda@example.com",
        "Somchai <somchai@example.com>",
        "a" * 65 + "@example.com",
        "a@" + "b" * 64 + ".com",
        "a@" + ".".join(["b" * 60] * 5),
    ],
)
def test_what_no_letter_can_be_sent_to_is_refused(text: str) -> None:
    with pytest.raises(EmailInvalid):
        read_email(text)


@given(st.text(max_size=300))
def test_whatever_is_typed_is_an_address_or_is_refused(text: str) -> None:
    try:
        email = read_email(text)
    except EmailInvalid:
        return
    assert email.normal.isascii()
    assert email.normal.isprintable()
    assert " " not in email.written
    assert read_email(email.written) == email
    assert read_email(email.normal).normal == email.normal


def test_an_address_is_shown_by_its_first_letter_and_domain() -> None:
    assert masked("somchai@example.com") == "s***@example.com"
