"""Which words a payer reads in which language, and how amounts and times are written for people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, TypeAlias

from quickkub.checkout.model import Stage, Way
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import THB, Money, decimal_text
from quickkub.payments.thai_methods import method_named
from quickkub.web.words_en import EN
from quickkub.web.words_th import TH

__all__ = ["EN", "TH", "WORDS", "Lang", "Words"]

Lang: TypeAlias = Literal["th", "en"]
Words: TypeAlias = Mapping[str, str]

WORDS: Final[Mapping[Lang, Words]] = {"th": TH, "en": EN}

_LANGUAGES: Final[Mapping[str, Lang]] = {"th": "th", "en": "en"}
_MONTHS: Final[Mapping[Lang, str]] = {
    "th": "ม.ค. ก.พ. มี.ค. เม.ย. พ.ค. มิ.ย. ก.ค. ส.ค. ก.ย. ต.ค. พ.ย. ธ.ค.",
    "en": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
}
_BUDDHIST_ERA_YEARS: Final = 543
_PLAIN_NAMES: Final = {"qr_credit", "mobile_banking", "internet_banking", "counter"}
_BY_QR: Final = {Way.QR, Way.OTHER_QR}


def choose_language(asked: str | None, accept_language: str | None) -> Lang:
    """The `lang` of the address if it is one of ours, else what the browser prefers, else Thai."""
    if asked is not None and asked in _LANGUAGES:
        return _LANGUAGES[asked]
    best, best_weight = _LANGUAGES["th"], 0.0
    for part in (accept_language or "").split(","):
        tag, _, parameter = part.strip().partition(";")
        lang = _LANGUAGES.get(tag.split("-")[0].lower())
        weight = _quality(parameter)
        if lang is not None and weight > best_weight:
            best, best_weight = lang, weight
    return best


def _quality(parameter: str) -> float:
    """`q=0.8` of RFC 9110 12.4.2 as 0.8; 1 when absent, 0 when unreadable."""
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    try:
        return float(value) if name == "q" and value.isascii() else 0.0
    except ValueError:
        return 0.0


def amount_text(money: Money) -> str:
    """`฿1,234.50`; for other currencies the code, as in `USD 1,234.50`."""
    whole, point, decimals = decimal_text(money).partition(".")
    sign = "฿" if money.currency == THB else f"{money.currency.code} "
    return f"{sign}{int(whole):,}{point}{decimals}"


def moment_text(moment: datetime, lang: Lang) -> str:
    """Bangkok time in full; Buddhist years in Thai, which is display only (security-reliability 5.9)."""
    local = moment.astimezone(BANGKOK)
    month = _MONTHS[lang].split()[local.month - 1]
    if lang == "th":
        return f"{local.day} {month} {local.year + _BUDDHIST_ERA_YEARS} เวลา {local:%H:%M} น."
    return f"{local.day} {month} {local.year}, {local:%H:%M} Bangkok time"


def clock_text(seconds: int) -> str:
    """`14:59`, and `1:00:00` from an hour on. The script of the page counts in the same form."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes:02d}:{rest:02d}"


def stage_words(
    stage: Stage, failure_code: str | None, words: Words, way: Way = Way.QR, method: str = ""
) -> tuple[str, str]:
    """Heading and text for a stage: those of the way to pay where it has its own, those of a QR otherwise.

    Each failure has a text of its own. `method` is the name of the payment method in this language.
    """
    told = words[_key(stage, way, "title", words)], words[_key(stage, way, "text", words)]
    if stage is Stage.FAILED and f"failed_{failure_code}" in words:
        told = told[0], words[f"failed_{failure_code}"]
    return told[0].format(method=method), told[1].format(method=method)


def _key(stage: Stage, way: Way, part: str, words: Words) -> str:
    plain = f"{stage.value}_plain_{part}" if way not in _BY_QR else ""
    keys = f"{stage.value}_{way.value}_{part}", plain, f"{stage.value}_{part}"
    return next(key for key in keys if key in words)


def method_name(method: str, lang: Lang) -> str:
    """The name payers know a payment method by, as in "Pay with ..."; its id when it is none of ours."""
    found = method_named(method)
    if found is None:
        return method
    if lang == "th":
        return found.name_th
    # "Pay with credit or debit card", but "Pay with LINE Pay".
    plain = found.kind == "card" or method in _PLAIN_NAMES
    return found.name_en[:1].lower() + found.name_en[1:] if plain else found.name_en
