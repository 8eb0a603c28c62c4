"""Disputes: reading one, answering it with a text and documents, giving in (pack 4.9)."""

from __future__ import annotations

from typing import Final
from uuid import uuid4

from quickkub.connectors.contract import (
    Account,
    DisputeAnswer,
    DisputeExchange,
    DisputeNews,
    DisputeState,
    Evidence,
    Response,
)
from quickkub.connectors.providers.omise import errors, wire
from quickkub.connectors.providers.omise.charges import currency_at, id_at, refuse_other_mode, satang_at
from quickkub.connectors.reading import Garbled, Json, Unexpected, optional_text, text_at

STATES: Final = {
    "open": DisputeState.NEEDS_RESPONSE,
    "pending": DisputeState.UNDER_REVIEW,
    "won": DisputeState.WON,
    "lost": DisputeState.LOST,
}


def ask(account: Account, dispute: str) -> DisputeExchange:
    answer: Response = yield wire.asks_dispute(account, dispute)
    return _concluded(answer, account, dispute)


def contest(account: Account, dispute: str, evidence: Evidence) -> DisputeExchange:
    """Documents first: with the message the dispute is handed in, and documents may be locked then."""
    for file in evidence.files:
        answer: Response = yield wire.hands_in(account, dispute, file, uuid4().hex)
        said = wire.read(answer)
        if said.code:
            return errors.conclude(said.status, said.code)
    handed_in: Response = yield wire.contests_dispute(account, dispute, evidence.text)
    return _concluded(handed_in, account, dispute)


def accept(account: Account, dispute: str) -> DisputeExchange:
    answer: Response = yield wire.accepts_dispute(account, dispute)
    return _concluded(answer, account, dispute)


def _concluded(answer: Response, account: Account, dispute: str) -> DisputeAnswer:
    said = wire.read(answer)
    if said.code:
        return errors.conclude(said.status, said.code)
    news = dispute_in(said.words, account)
    if news.dispute_id != dispute:
        raise Garbled("Omise answers about another dispute")
    return news


def dispute_in(said: Json, account: Account) -> DisputeNews:
    """Raises Garbled. Omise names no day by which to answer."""
    if said.get("object") != "dispute":
        raise Garbled("it is not a dispute")
    refuse_other_mode(said, account)
    status = text_at(said, "status")
    if status not in STATES:
        raise Unexpected(f"the dispute's status {status[:20]!r} is not known")
    return DisputeNews(
        dispute_id=wire.an_id(text_at(said, "id")),
        provider_reference=id_at(said, "charge"),
        amount=satang_at(said, "amount", currency_at(said)),
        state=STATES[status],
        reason=optional_text(said, "reason_code"),
    )
