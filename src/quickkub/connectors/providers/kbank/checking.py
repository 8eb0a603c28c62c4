"""The live check: questions about things that do not exist, which only the right keys are answered."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any, Final

from quickkub.connectors.contract import (
    Account,
    CheckAnswer,
    CheckExchange,
    Declined,
    Effect,
    Failure,
    Order,
    Unknown,
    Works,
)
from quickkub.connectors.providers.kbank import errors, kgp_flow, kgp_wire, qr_flow, qr_wire, words
from quickkub.connectors.providers.kbank.manifest import QR
from quickkub.connectors.reading import garbled_is_unknown
from quickkub.kernel.clock import SystemClock
from quickkub.kernel.money import Money

NOBODY: Final = "QUICKKUBCHECK"
"""A reference that no order has: ours begin with QK and have 15 letters."""


@garbled_is_unknown
def check(account: Account) -> CheckExchange:
    """Try whatever the account has keys for. Declined for the first product that refuses them."""
    told: list[str] = []
    if words.secret(account, "consumer_id"):
        answer = yield from _check_qr(account)
        if not isinstance(answer, Works):
            return answer
        told.append(answer.told)
    if words.secret(account, kgp_wire.SECRET_KEY):
        answer = yield from _check_kgp(account)
        if not isinstance(answer, Works):
            return answer
        told.append(answer.told)
    if not told:
        return Declined(Failure.PROVIDER_MISCONFIGURED, "", "the account has keys for none of the products")
    return Works("; ".join(told))


def _check_qr(account: Account) -> Generator[Effect, Any, CheckAnswer]:
    """An inquiry about a QR that nobody made: "original not found" is said to the right partner only."""
    if lack := qr_flow.missing(account):
        return lack
    # The check comes without an order, so nobody tells us the time that the bank wants to read.
    now = SystemClock().now()
    nobody = Order(NOBODY, Money(100), QR, now, now + timedelta(minutes=10), now)
    answer = yield from words.with_token(
        lambda token: qr_wire.asks_qr(account, token, nobody, now), qr_wire.token_is_refused
    )
    said = qr_wire.read(answer)
    if said.is_success or said.error in (errors.NOT_FOUND, "qr_unknown"):
        return Works("the QR API takes the keys")
    return errors.conclude(said.status, said.error, said.text)


def _check_kgp(account: Account) -> Generator[Effect, Any, CheckAnswer]:
    answer = yield kgp_wire.asks(account, kgp_flow.CARDS, NOBODY)
    said = kgp_wire.read(answer)
    if said.status in (401, 403):
        return Declined(
            Failure.PROVIDER_MISCONFIGURED, said.code or str(said.status), "KGP refuses the secret key"
        )
    if said.status in (kgp_wire.HTTP_OK, 400, kgp_flow.NO_SUCH):
        return Works("KGP takes the secret key")
    return Unknown(f"KGP answered HTTP {said.status}")
