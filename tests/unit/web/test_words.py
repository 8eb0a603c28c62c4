import re
from datetime import UTC, datetime
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.checkout.model import Stage, Way
from quickkub.connectors.contract import Failure
from quickkub.kernel.money import JPY, USD, Currency, Money
from quickkub.payments.thai_methods import THAI_METHODS, ThaiMethod
from quickkub.web.words import (
    EN,
    TH,
    WORDS,
    Lang,
    amount_text,
    choose_language,
    clock_text,
    method_name,
    moment_text,
    stage_words,
)

# What Thai bank apps themselves write in Latin letters.
SAID_IN_ENGLISH = {"QR", "PIN", "OTP", "Biller", "ID", "Ref"}


def test_both_languages_say_the_same_things() -> None:
    assert TH.keys() == EN.keys()


def test_no_english_is_left_in_the_thai() -> None:
    plain = {key: re.sub(r"\{\w+\}", "", text) for key, text in TH.items()}
    english = {word for text in plain.values() for word in re.findall("[A-Za-z]+", text)}
    assert english == SAID_IN_ENGLISH
    assert all(re.search("[\u0e00-\u0e7f]", text) for text in plain.values())


def test_no_thai_is_left_in_the_english() -> None:
    assert not [text for text in EN.values() if re.search("[\u0e00-\u0e7f]", text)]


def test_both_languages_fill_in_the_same_values() -> None:
    def fields(text: str) -> set[str | None]:
        return {name for _, name, _, _ in Formatter().parse(text)} - {None}

    assert {key: fields(text) for key, text in TH.items()} == {key: fields(text) for key, text in EN.items()}


@pytest.mark.parametrize("lang", ["th", "en"])
def test_there_are_words_for_every_stage_and_every_failure(lang: Lang) -> None:
    for stage in Stage:
        for failure in [None, *(failure.value for failure in Failure)]:
            assert all(stage_words(stage, failure, WORDS[lang]))


@pytest.mark.parametrize("lang", ["th", "en"])
def test_every_failure_says_in_its_own_words_what_the_payer_can_do(lang: Lang) -> None:
    words = WORDS[lang]
    texts = {stage_words(Stage.FAILED, failure.value, words)[1] for failure in Failure}
    assert len(texts) == len(Failure)
    assert words["failed_text"] not in texts
    assert stage_words(Stage.FAILED, "a code of tomorrow", words)[1] == words["failed_text"]


@pytest.mark.parametrize("lang", ["th", "en"])
@pytest.mark.parametrize("way", Way)
def test_only_a_page_with_a_qr_speaks_of_a_qr(lang: Lang, way: Way) -> None:
    for stage in Stage:
        told = " ".join(stage_words(stage, None, WORDS[lang], way, "LINE Pay"))
        assert "{" not in told
        assert way in (Way.QR, Way.OTHER_QR) or "QR" not in told


@pytest.mark.parametrize("method", THAI_METHODS)
def test_a_method_is_called_by_its_name_in_the_language_of_the_page(method: ThaiMethod) -> None:
    assert method_name(method.id, "en").lower() == method.name_en.lower()
    assert method_name(method.id, "th") == method.name_th


def test_in_a_sentence_only_names_of_companies_keep_their_capital_letter() -> None:
    assert method_name("card", "en") == "credit or debit card"
    assert method_name("linepay", "en") == "LINE Pay"
    assert method_name("grab_paylater", "en") == "PayLater by Grab"


def test_a_method_of_another_country_is_called_by_its_id() -> None:
    assert method_name("swish", "th") == method_name("swish", "en") == "swish"


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (123_450, None, "฿1,234.50"),
        (1, None, "฿0.01"),
        (100_000_000_000_000, None, "฿1,000,000,000,000.00"),
        (123_450, USD, "USD 1,234.50"),
        (5_000, JPY, "JPY 5,000"),
    ],
)
def test_an_amount_is_written_with_commas_and_all_its_decimals(
    minor: int, currency: Currency | None, text: str
) -> None:
    assert amount_text(Money(minor, currency) if currency else Money(minor)) == text


def test_times_are_bangkok_times_and_thai_years_are_buddhist() -> None:
    new_year_in_bangkok = datetime(2026, 12, 31, 17, 5, tzinfo=UTC)
    assert moment_text(new_year_in_bangkok, "th") == "1 ม.ค. 2570 เวลา 00:05 น."
    assert moment_text(new_year_in_bangkok, "en") == "1 Jan 2027, 00:05 Bangkok time"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "00:00"), (61, "01:01"), (3599, "59:59"), (3600, "1:00:00"), (90_000, "25:00:00")],
)
def test_the_clock_shows_minutes_and_seconds_and_hours_when_there_are_any(seconds: int, text: str) -> None:
    assert clock_text(seconds) == text


@pytest.mark.parametrize(
    ("asked", "preferred", "chosen"),
    [
        (None, None, "th"),
        (None, "de-DE,de;q=0.9", "th"),
        (None, "en-US,en;q=0.9", "en"),
        (None, "en-US,en;q=0.9,th;q=0.8", "en"),
        (None, "en;q=0.5, th;q=0.9", "th"),
        (None, "th-TH,th;q=0.9,en;q=0.8", "th"),
        (None, "en;q=0", "th"),
        (None, "en;q=nonsense", "th"),
        ("en", "th", "en"),
        ("th", "en", "th"),
        ("fr", "en", "en"),
    ],
)
def test_the_language_is_what_was_asked_for_then_what_the_browser_prefers_then_thai(
    asked: str | None, preferred: str | None, chosen: str
) -> None:
    assert choose_language(asked, preferred) == chosen


@given(st.text() | st.none(), st.text() | st.none())
def test_no_header_however_odd_leaves_a_payer_without_a_language(
    asked: str | None, header: str | None
) -> None:
    assert choose_language(asked, header) in WORDS
