"""Outcomes and news in the words of a vector, and whether they are what it expects."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any

from quickkub.connectors.contract import Action, CallbackNews, DisputeNews, Receipt, ReportLine
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.money import Money

Json = Any


def told(outcome: object) -> list[Json]:
    """An outcome the way a vector writes it: its name, and its fields by name.

    `amount` becomes `satang` and `currency`, any other money `<field>_satang`. An action is `[kind, value]`,
    with `{"app_value": …, "fields": …}` as a third part when it has any of them.
    """
    names = [name for name in getattr(outcome, "__slots__", ()) if not name.startswith("_")]
    parts = [_part(name, getattr(outcome, name)) for name in names]
    return [type(outcome).__name__, {key: value for part in parts for key, value in part.items()}]


def news_told(news: CallbackNews) -> dict[str, Json]:
    """A callback's news the way a vector writes it; what a receipt would say is None without one."""
    receipt = told(news.receipt)[1] if news.receipt else {}
    return {
        "event_key": news.event_key,
        "reference": news.reference,
        "about": news.about.value,
        "provider_reference": news.provider_reference,
        "dispute": _plain(news.dispute),
        "for_answer": dict(news.for_answer),
        **{name: receipt.get(name) for name in ("transaction_id", "satang", "currency", "paid_at", "payer")},
    }


def _part(name: str, value: object) -> dict[str, Json]:
    if isinstance(value, Money):
        if name == "amount":
            return {"satang": value.minor, "currency": value.currency.code}
        return {f"{name}_satang": value.minor}
    return {name: _plain(value)}


def _plain(value: object) -> Json:
    match value:
        case Action():
            more = {
                name: _plain(said)
                for name, said in (("app_value", value.app_value), ("fields", value.fields))
                if said
            }
            return [value.kind.value, value.value, *([more] if more else [])]
        case Receipt() | ReportLine() | DisputeNews():
            return told(value)[1]
        case Enum():
            return value.value
        case datetime():
            return rfc3339(value)
        case tuple():
            return [_plain(one) for one in value]
        case _:
            return dict(value) if isinstance(value, Mapping) else value


def fits(expected: Json, actual: Json) -> bool:
    """Whether everything the vector names is so; what it does not name may be anything."""
    match expected:
        case dict():
            return isinstance(actual, dict) and all(fits(v, actual.get(k)) for k, v in expected.items())
        case list():
            pairs = isinstance(actual, list) and len(actual) == len(expected)
            return pairs and all(fits(e, a) for e, a in zip(expected, actual, strict=True))
        case _:
            return bool(expected == actual)
