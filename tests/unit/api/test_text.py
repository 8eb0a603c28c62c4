"""Text that merchants send (security-reliability 5.9)."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.api.strictjson import ParameterInvalid
from quickkub.api.text import plain_metadata, plain_text, web_address


def test_thai_text_passes_as_it_is() -> None:
    assert plain_text("ร้านส้มตำ น้ำพริก", "reference", letters_max=100) == "ร้านส้มตำ น้ำพริก"


def test_two_spellings_of_one_text_become_one() -> None:
    assert plain_text("cafe\u0301", "reference", letters_max=10) == "caf\u00e9"


@pytest.mark.parametrize(
    "letter",
    [
        "\u202e",
        "\u2066",
        "\u200b",
        "\u200d",
        "\ufeff",
        "\u00ad",
        "\x07",
        "\x7f",
        "\n",
        "\u2028",
        "\u3164",
        "\ue000",
    ],
)
def test_what_cannot_be_seen_or_turns_text_around_is_refused_with_its_number(letter: str) -> None:
    with pytest.raises(ParameterInvalid) as refused:
        plain_text(f"ord{letter}er", "reference", letters_max=100)
    assert refused.value.param == "reference"
    assert f"U+{ord(letter):04X}" in refused.value.detail


@pytest.mark.parametrize("text", ["", " ", "\u3000"])
def test_blank_text_is_refused(text: str) -> None:
    with pytest.raises(ParameterInvalid):
        plain_text(text, "reference", letters_max=100)


def test_length_is_counted_in_characters() -> None:
    assert plain_text("ก" * 100, "reference", letters_max=100)
    with pytest.raises(ParameterInvalid):
        plain_text("ก" * 101, "reference", letters_max=100)


@given(st.text(max_size=50))
def test_any_text_is_plain_or_refused(text: str) -> None:
    try:
        plain = plain_text(text, "reference", letters_max=40)
    except ParameterInvalid:
        return
    assert unicodedata.is_normalized("NFC", plain)
    assert plain_text(plain, "reference", letters_max=40) == plain
    assert plain.encode()


def test_metadata_names_the_key_at_fault() -> None:
    with pytest.raises(ParameterInvalid) as refused:
        plain_metadata({"fine": "", "note": "x" * 501})
    assert refused.value.param == "metadata.note"


def test_metadata_has_at_most_50_keys_of_at_most_40_characters() -> None:
    assert len(plain_metadata({f"k{n}": "v" for n in range(50)})) == 50
    for wrong in ({f"k{n}": "v" for n in range(51)}, {"k" * 41: "v"}, {"": "v"}):
        with pytest.raises(ParameterInvalid):
            plain_metadata(wrong)


def test_metadata_keys_that_become_the_same_are_refused() -> None:
    with pytest.raises(ParameterInvalid):
        plain_metadata({"cafe\u0301": "a", "caf\u00e9": "b"})


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ("https://shop.example/thanks?order=1#paid", "https://shop.example/thanks?order=1#paid"),
        ("http://localhost:3000/back", "http://localhost:3000/back"),
        ("https://ร้าน.ไทย/ขอบคุณ", "https://xn--q3ct9b5e.xn--o3cw4h/ขอบคุณ"),
        ("https://SHOP.example/", "https://shop.example/"),
        ("https://[::1]:8443/", "https://[::1]:8443/"),
    ],
)
def test_an_address_is_kept_with_its_host_in_ascii(given_: str, kept: str) -> None:
    assert web_address(given_, "return_url") == kept


@pytest.mark.parametrize(
    "wrong",
    [
        "shop.example/thanks",
        "//shop.example/",
        "javascript:alert(1)",
        "data:text/html,hi",
        "ftp://shop.example/",
        "https://user:pw@shop.example/",
        "https://shop.example@evil.example/",
        "https:///thanks",
        "https://shop.example:99999/",
        "https://shop.example:0/",
        "https://shop.example\\@evil.example/",
        "https://shop.exa mple/",
        "https://shop.example/\n",
        "https://shop.example/\u202e",
        "https://shop\uff0fevil.example/",
        "https://[::1",
        "https://" + "a" * 64 + ".example/",
        "https://shop.example/" + "a" * 2048,
    ],
)
def test_an_address_no_browser_should_be_sent_to_is_refused(wrong: str) -> None:
    with pytest.raises(ParameterInvalid) as refused:
        web_address(wrong, "return_url")
    assert refused.value.param == "return_url"


@given(st.text(max_size=60).map(lambda rest: "https://" + rest) | st.text(max_size=60))
def test_any_address_is_kept_or_refused(text: str) -> None:
    try:
        kept = web_address(text, "return_url")
    except ParameterInvalid:
        return
    assert kept.startswith(("http://", "https://"))
    assert web_address(kept, "return_url") == kept
