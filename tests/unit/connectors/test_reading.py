"""Reading what a provider wrote: one meaning or none."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.connectors.reading import Garbled, currency_at, instant_at, money_at, read_json, text_at
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.money import AMOUNT_MAX, THB, USD, Money, decimal_text

plain_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), inner)
    ),
    max_leaves=20,
)


@given(plain_json)
def test_what_has_one_meaning_is_read_as_it_is(value: Any) -> None:
    assert read_json(json.dumps(value).encode()) == value


@given(
    st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_any_bytes_at_all_are_read_or_garbled_and_nothing_else(body: bytes) -> None:
    try:
        read_json(body)
    except Garbled as garbled:
        assert str(garbled)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "nul",
        "NaN",
        "[Infinity]",
        "[-Infinity]",
        '{"a": 1, "a": 1}',
        '{"x": {"a": 1, "a": 2}}',
        '["\\u0000"]',
        '{"\\u0000": 1}',
        '["\\ud800"]',
        "[" * 33 + "]" * 33,
        "[" * 200_000,
        "1" * 41,
        "0." + "1" * 41,
        "1e" + "9" * 50,
    ],
)
def test_what_has_no_one_meaning_is_garbled(body: str) -> None:
    with pytest.raises(Garbled):
        read_json(body.encode())


def test_fractions_are_read_exactly() -> None:
    assert read_json(b"[100.10, 1e2, 0.1]") == [Decimal("100.10"), Decimal("1e2"), Decimal("0.1")]
    assert not any(isinstance(one, float) for one in read_json(b"[100.10, 1e2, 0.1]"))


@given(st.integers(1, AMOUNT_MAX))
def test_an_amount_is_the_same_as_text_as_number_and_with_zeros_behind(satang: int) -> None:
    money = Money(satang)
    text = decimal_text(money)
    for written in (f'"{text}"', text, f'"{text}00"', f"{text}00"):
        assert money_at(read_json(f'{{"a": {written}}}'.encode()), "a", THB) == money


@pytest.mark.parametrize(
    ("written", "satang"), [('"100"', 10000), ("100", 10000), ('"100.5"', 10050), ("1e2", 10000)]
)
def test_short_ways_to_write_an_amount_are_read(written: str, satang: int) -> None:
    assert money_at(read_json(f'{{"a": {written}}}'.encode()), "a", THB) == Money(satang)


@pytest.mark.parametrize(
    "written",
    [
        '""',
        '"0"',
        "0",
        "-1",
        '"-1"',
        '"+1"',
        '"1,000"',
        '" 1"',
        '"1e2"',
        '"1.001"',
        '"NaN"',
        "true",
        "null",
        "[]",
        '"๑๐๐"',
        '"\\uff11"',
        '"1_0"',
        '"."',
        '"1."',
        '".5"',
        '"' + "9" * 30 + '"',
        "1e30",
        "1e-30",
        "1e35",
    ],
)
def test_what_is_no_amount_is_garbled(written: str) -> None:
    with pytest.raises(Garbled):
        money_at(read_json(f'{{"a": {written}}}'.encode()), "a", THB)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-01-15T10:33:12+07:00", "2026-01-15T03:33:12Z"),
        ("2026-01-15T10:33:12.900+07:00", "2026-01-15T03:33:12Z"),
        ("2026-01-15T10:33:12.900+0700", "2026-01-15T03:33:12Z"),
        ("2026-01-15T03:33:12Z", "2026-01-15T03:33:12Z"),
        ("2026-01-15T10:33:12", "2026-01-15T03:33:12Z"),
        ("2026-01-15 10:33:12", "2026-01-15T03:33:12Z"),
    ],
)
def test_a_moment_without_an_offset_is_bangkok_s(written: str, moment: str) -> None:
    assert rfc3339(instant_at({"t": written}, "t")) == moment


@pytest.mark.parametrize(
    "written",
    [
        "",
        "now",
        "20260115",
        "2026-01-15",
        "2026-W03-4",
        "2026-02-30T00:00:00",
        "0001-01-01T00:00:00+14:00",
        "๒026-01-15T10:33:12",
        "2026-01-15T25:00:00",
    ],
)
def test_what_is_no_moment_is_garbled(written: str) -> None:
    with pytest.raises(Garbled):
        instant_at({"t": written}, "t")


def test_currencies_are_known_by_number() -> None:
    assert (currency_at({"c": "764"}, "c"), currency_at({"c": 840}, "c")) == (THB, USD)
    for unknown in ("999", "THB", "", None, True):
        with pytest.raises(Garbled):
            currency_at({"c": unknown}, "c")


def test_a_text_is_there_and_is_text() -> None:
    assert text_at({"a": " x "}, "a") == "x"
    for missing in ({}, {"a": None}, {"a": " "}, {"a": 1}):
        with pytest.raises(Garbled):
            text_at(missing, "a")
