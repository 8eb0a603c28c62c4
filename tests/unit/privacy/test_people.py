"""Somebody is found however they are written, and nobody else is; masks show what they may."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.privacy import masking
from quickkub.privacy.model import Mask
from quickkub.privacy.person import Person, PersonUnclear, patterns, person_of, plain_phone, read_person
from quickkub.privacy.scrub import Scrub
from quickkub.telemetry import masks

MALEE = person_of({"email": "Malee.S@Example.com", "phone": "+66 89-123-4567", "name": "  มาลี   ศรีสวัสดิ์ "})
DIGITS = st.text("0123456789", min_size=9, max_size=9)


def scrubbed(text: str, person: Person = MALEE) -> str:
    return Scrub(patterns([person], own=True), "X").text(text)


@pytest.mark.parametrize(
    "written",
    [
        "0891234567",
        "089-123-4567",
        "+66891234567",
        "66 89 123 4567",
        "malee.s@example.com",
        "MALEE.S@EXAMPLE.COM",
    ],
)
def test_an_address_and_a_number_are_found_however_they_are_written(written: str) -> None:
    assert scrubbed(f"call {written}!") == "call X!"


def test_a_name_is_found_with_any_spaces_between_its_words() -> None:
    assert scrubbed("คุณมาลี  ศรีสวัสดิ์ โทรมา") == "คุณX โทรมา"


@pytest.mark.parametrize(
    "others", ["10891234567", "08912345678", "bmalee.s@example.com", "malee.s@example.company"]
)
def test_a_longer_number_or_address_is_somebody_elses(others: str) -> None:
    assert scrubbed(others) == others


def test_a_name_with_a_quote_is_found_in_json_as_well() -> None:
    owner = Person(name='malee "mam" srisawat')
    assert scrubbed(json.dumps({"who": owner.name}), owner) == '{"who": "X"}'


def test_a_short_name_is_looked_for_only_in_words_about_the_person() -> None:
    som = Person(name="som")
    assert patterns([som], own=False) == []
    assert scrubbed("for Som", som) == "for X"


@given(DIGITS)
def test_a_thai_number_has_one_spelling(digits: str) -> None:
    spellings = {plain_phone(front + digits) for front in ("0", "+66", "66", "+66 ")}
    assert spellings == {"0" + digits}


@given(st.text(max_size=40))
def test_what_is_scrubbed_once_is_scrubbed(text: str) -> None:
    person = person_of({"name": text, "email": text, "phone": text})
    once = scrubbed(text, person)
    assert scrubbed(once, person) == once


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_words_that_name_nobody_come_back_as_they_were(value: object) -> None:
    assert Scrub(["(?!)"], "X").value(value) == value


def test_a_name_that_stands_in_the_pseudonym_does_not_eat_it() -> None:
    person = Person(name="person", phone="0891234567")
    assert Scrub(patterns([person], own=True), "person_1").text("call 0891234567") == "call person_1"


def test_a_number_of_few_digits_is_no_telephone() -> None:
    assert person_of({"phone": "0"}) == Person()


def test_a_payments_own_free_words_go_whole_and_its_money_stays() -> None:
    payment = {
        "id": "pay_1",
        "amount": 15_000,
        "status": "succeeded",
        "description": "two coffees",
        "metadata": {"line": "@m", "order": "1042"},
        "next_action": {"type": "redirect"},
        "failure": None,
    }
    told = Scrub([], "X").own({"object": payment})
    assert told["object"] == payment | {
        "description": "X",
        "metadata": {"line": "X", "order": "X"},
        "next_action": None,
    }


def test_a_payment_is_found_by_address_and_number_and_by_the_name_only_without_them() -> None:
    assert set(MALEE.found_by()) == {"email", "phone"}
    assert set(Person(name="malee srisawat").found_by()) == {"name"}


@pytest.mark.parametrize("said", [{}, {"email": "no address"}, {"phone": "---"}, {"name": "  "}])
def test_nobody_is_asked_for_by_nothing(said: dict[str, str]) -> None:
    with pytest.raises(PersonUnclear):
        read_person(said)


@pytest.mark.parametrize(
    ("mask", "value", "shown"),
    [
        (Mask.EMAIL, "malee@example.com", "m***@example.com"),
        (Mask.PHONE, "089-123-4567", "***4567"),
        (Mask.NATIONAL_ID, "1101700203450", "***3450"),
        (Mask.ACCOUNT, "123-4-56789-0", "***7890"),
        (Mask.ACCOUNT, "1234", "***"),
        (Mask.NAME, "Malee Srisawat", "M*** S***"),
        (Mask.ADDRESS, "203.0.113.77", "203.0.113.0/24"),
        (Mask.ADDRESS, "2001:db8:1:2::3", "2001:db8:1::/48"),
        (Mask.HIDDEN, "anything", "***"),
        (Mask.SHOWN, "Silom", "Silom"),
    ],
)
def test_a_value_is_shown_as_its_class_says(mask: Mask, value: str, shown: str) -> None:
    assert masking.masked(mask, value) == shown


@given(st.sampled_from([Mask.PHONE, Mask.ACCOUNT, Mask.NATIONAL_ID]), st.text("0123456789- ", max_size=30))
def test_of_a_number_never_more_than_the_last_four_are_shown(mask: Mask, number: str) -> None:
    shown = masking.masked(mask, number)
    assert shown is not None and len(re.sub(r"\D", "", shown)) <= 4


@given(st.text("0123456789 -", max_size=25))
def test_of_a_card_never_more_than_the_first_six_and_last_four_are_shown(number: str) -> None:
    assert len(re.sub(r"\D", "", masks.card(number))) <= 10
