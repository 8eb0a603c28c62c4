"""Linking a wallet by a one-time password, for a payment code without a shop's scanner (pack 5.1).

Nothing is signed here. The password is used and never kept; tokens are secrets. What is learned last, a
payment code, goes into an order as the payer's code.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from quickkub.connectors.contract import (
    Account,
    Declined,
    Effect,
    Failure,
    NotSent,
    Request,
    Response,
    Unknown,
)
from quickkub.connectors.providers.truemoney import errors, wire
from quickkub.connectors.reading import Garbled, Json, an_object, text_at
from quickkub.connectors.switches import setting
from quickkub.kernel.secrets import Secret

AGREEMENT: Final = "online_merchant"
_SECONDS: Final = 15
_LIVES_MAX: Final = 10 * 365 * 86_400


@dataclass(frozen=True, slots=True)
class Begun:
    """The payer got a password by SMS. `terms_url` has to be shown to them."""

    otp_ref: str
    auth_code: str
    agreement_id: str
    terms_url: str


@dataclass(frozen=True, slots=True)
class Linked:
    """The wallet is linked. `lives_seconds` is how long the access token lives."""

    access_token: Secret
    refresh_token: Secret
    lives_seconds: int


@dataclass(frozen=True, slots=True)
class OneTimeCode:
    """What `create` charges as the payer's code, once."""

    code: str


Beginning: TypeAlias = Generator[Effect, Any, Begun | Declined | NotSent | Unknown]
Linking: TypeAlias = Generator[Effect, Any, Linked | Declined | NotSent | Unknown]
Coding: TypeAlias = Generator[Effect, Any, OneTimeCode | Declined | NotSent | Unknown]


def begin(account: Account, phone: str) -> Beginning:
    """`POST /oauth2/auth-apply`: TrueMoney sends the password to this number of a wallet."""
    secret = account.credentials.get("client_secret")
    if secret is None or not setting(account, "client_id"):
        return _lacks_client()
    body = {
        "client_id": setting(account, "client_id"),
        "client_secret": secret.reveal(),
        "tmn_account": phone,
        "mobile_number": phone,
    }
    answer: Response = yield _posts(wire.path(account, "auth_apply"), body)
    data = _data(account, answer)
    if not isinstance(data, dict):
        return data
    return Begun(
        *(text_at(data, name) for name in ("otp_ref", "auth_code", "agreement_id", "linking_agreement"))
    )


def finish(account: Account, phone: str, otp_ref: str, auth_code: str, otp_code: str) -> Linking:
    """`POST /oauth2/tokens` with the password the payer typed."""
    if not setting(account, "client_id"):
        return _lacks_client()
    body = {
        "otp_ref": otp_ref,
        "otp_code": otp_code,
        "client_id": setting(account, "client_id"),
        "tmn_account": phone,
        "agreement_id": AGREEMENT,
        "grant_type": "password",
        "auth_code": auth_code,
    }
    answer: Response = yield _posts(wire.path(account, "tokens"), body)
    data = _data(account, answer)
    if not isinstance(data, dict):
        return data
    lives = data.get("expires_in")
    if type(lives) is not int or not 0 < lives <= _LIVES_MAX:
        raise Garbled("expires_in is not a number of seconds")
    return Linked(Secret(text_at(data, "access_token")), Secret(text_at(data, "refresh_token")), lives)


def code(account: Account, access_token: Secret) -> Coding:
    """`GET /payment/codes?type=online-merchant`: a code to charge, good for one payment."""
    answer: Response = yield Request(
        "GET",
        wire.path(account, "codes"),
        headers={"Authorization": f"Bearer {access_token.reveal()}", "Content-Type": "application/json"},
        query_text="type=online-merchant",
        deadline_seconds=_SECONDS,
        asks_only=True,
        host="api",
    )
    data = _data(account, answer)
    if not isinstance(data, dict):
        return data
    return OneTimeCode(text_at(data, "payment_code"))


def _posts(path: str, words: Json) -> Request:
    return Request(
        "POST",
        path,
        headers={"Content-Type": "application/json"},
        body=wire.written(words),
        deadline_seconds=_SECONDS,
        host="api",
    )


def _data(account: Account, answer: Response) -> Json | Declined | Unknown:
    said = wire.read_unsigned(answer)
    if said.code != wire.SUCCESS or said.status != 200:  # noqa: PLR2004 -- HTTP's OK
        return errors.conclude(account, said)
    return an_object(said.data, "data")


def _lacks_client() -> Declined:
    return Declined(Failure.PROVIDER_MISCONFIGURED, "", "the account has no client for linking wallets")
