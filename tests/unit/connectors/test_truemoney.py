"""TrueMoney's connector without a wire: the pack's signatures to the byte, and what answers may mean."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.connectors.contract import (
    About,
    Account,
    Declined,
    Failure,
    Forged,
    Order,
    Outcome,
    Paid,
    Payer,
    RawCallback,
    Request,
    Response,
    Unknown,
)
from quickkub.connectors.particulars import loose_account
from quickkub.connectors.providers.truemoney import errors, wire
from quickkub.connectors.providers.truemoney.connector import CONNECTOR
from quickkub.connectors.providers.truemoney.manifest import MANIFEST
from quickkub.connectors.providers.truemoney.test_keys import (
    MERCHANT_PRIVATE_KEY,
    MERCHANT_PUBLIC_KEY,
    TRUEMONEY_PRIVATE_KEY,
)
from quickkub.connectors.reading import Garbled
from quickkub.kernel.money import USD, Money
from tests.support.speech.truemoney import seal

NEW_YEAR: Final = datetime(2025, 1, 1, tzinfo=UTC)
B1: Final = (
    '{"isv_payment_ref":"QK250101000001","merchant_id":"110000000012345678901","currency":"THB",'
    '"request_amount":"10000","payment_method":"BALANCE","payment_code":"170012345678901234",'
    '"description":"QuickKub order 1","metadata":{"partner_shop_id":"0001","partner_shop_name":"ร้านควิกคับ"}}'
)
T1: Final = (
    "kt4FwSti2kFLn1NOYk2tvrK3peKp83NuJyfRWL8wX96zMyrI5sfTlqBwaGNdDyZ76UVmgzzzIa+nufxSmu0GcTu3dBcGthn09kzaI7K8"
    "EhW1Znz7d1Rl09FC5N9UpFphkaUuV6BESyyxvKR5uYcANLHQxv4rXzzAd2mgtJLP0TNpIoounXuuUOX/AXT6LUcHt+EqaLS1OTvgxMxL"
    "rV+h3TF0+YkDqRgE6KGARMvSpi9bbPoY3yWyq9xdLh4L/oPuIXjSF2sdEUtyPTgMCZDJBdr59ccVfGJ3W44zCcBNqN6dP0dXiLue4kfw"
    "TDX6B8vCHtiAVZfY8jnhAktS/NBYRQ=="
)
N2: Final = (
    '{"notify_id":"ntf-0001","payment_id":"520000000000001","isv_payment_ref":"QK250101000001",'
    '"status":"succeeded"}'
)
T2: Final = (
    "jEfzmDVfyeTgBnuWWaeQocRsbNN4x5iX0lagUVhUlAQKArbSBtZEY1QxvZ3n+6X5oBRvtksCQ3GKiGZimVb7MuWXOzWAmMM90IGBzJ+U"
    "Fu/d5Q4BTkty4qcwZ9x2W5Oidz1fLatBbocqjTJM9PQFiAAql11z/+EGaHzYClYNtbg9O4PWPwGTSmsE/tg9g7xMPpvT8ZyLOlioV7eF"
    "QvS0srpvh8udJDtbbbQM4Geahwhs5RvUJATihQGjZ7p0hx0cMey15IB7LEZGk/rcwoTDiwHz+/PN9g+HwiMpc3GCwH0GV63jossWObdb"
    "3bJ1LeyenfGmhrOtaaeDwr6AGgArGw=="
)
A3: Final = (
    '{"status":{"code":"00000","message":"Success","description":"Order completed"},'
    '"data":{"notify_id":"ntf-0001"}}'
)
T3: Final = (
    "O/zujBBMmdbxA3/dHtTwLZ4ncW1HqeuCLuDhfzs8S+BjHFvJlDVuqC1MoGqAi7WWAUl9/LNEpodTsyM7pQ+dzK7Z/dAGyLlAaKnmxeso"
    "xAd4rpb3oNVwkW5p87IG0HKTo77YEZQbAbQmPkICBc9X/GXp8llWgHuVMCebBpyp22EjxWSzZC7RD+L7qYlco3OUV3nkAKDdspRD8ozz"
    "suYWlNVPh1+gms0iMtZbiVOlqzzQYK1lMWGf25NKdFMp+nrJvQK1/Lq337Hxm2yWinUPZ0Xz6Gd+E4CIxc4BOS5ZPu43Gp+IfIpEwTrx"
    "BvQ9kIwV1hr/YWetSXRjtUH/sqjhBw=="
)
R4: Final = '{"isv_refund_ref":"QK250101000001R1","request_amount":"4000"}'
T4: Final = (
    "Rl2nShft+qu51Az23sZUp5lZCc7/dt5/84f8QIBDOE40bI7bmtBrcjjyfWlNw7nIsYtDBMSSKT3q5AuqgomPl1PvwvAi0HlpyBzf0w8f"
    "iw3hI7TOJO8aW+3yZOLp8vdpIQJZR6+SOx3ss3zK8n5uiWSTZwoKuXdBmzeVUWxw/ec3sJIMgDKClcuu8w9N4vbRF6fAHcmKYJXSGii4"
    "yMR273NtlCmw0CD5aaKQyncUkzqqkpC4DMtTC2ksYjEgr4tNwZuIFQwcpg6OvYmghjpHUtKDkGrZ9bJsT+SGKq7HVcQrclgQkhtd7T4L"
    "NkFekCAX1siWj7awwslJLEvkmleQGw=="
)


def account(**settings: str) -> Account:
    return loose_account(MANIFEST, {**MANIFEST.simulator_account, **settings})


def one_key() -> Account:
    """As in the pack's examples, where both sides have the same key pair."""
    return account(truemoney_public_key=MERCHANT_PUBLIC_KEY)


def order(**more: Any) -> Order:
    usual = Order(
        "QK250101000001",
        Money(10_000),
        "truemoney_scan",
        NEW_YEAR,
        NEW_YEAR + timedelta(minutes=15),
        NEW_YEAR,
        description="QuickKub order 1",
        payer=Payer(code="170012345678901234"),
    )
    return dataclasses.replace(usual, **more)


def signed(words: Any, status: int = 200, *, body: bytes | None = None) -> Response:
    raw = json.dumps(words).encode() if body is None else body
    headers = {"timestamp": "1", "content-signature": seal(TRUEMONEY_PRIVATE_KEY, "1", raw)}
    return Response(status, headers, raw)


def said(code: str, data: Any = None, status: int = 200) -> Response:
    return signed({"status": {"code": code, "message": ""}, "data": data}, status)


def driven(exchange: Any, *answers: Response) -> tuple[list[Request], Outcome]:
    """What an exchange asks, with these answers in turn, and what it concludes."""
    asked: list[Request] = []
    try:
        asked.append(next(exchange))
        asked += [exchange.send(answer) for answer in answers]
    except StopIteration as end:
        return asked, end.value
    raise AssertionError(f"it also asks {asked[-1].path}")


@pytest.mark.parametrize(
    ("timestamp", "body", "data"),
    [("1735689600", B1, T1), ("1735689600", N2, T2), ("1735689601", A3, T3), ("1735689700", R4, T4)],
)
def test_the_pack_s_signatures_are_reproduced_to_the_byte(timestamp: str, body: str, data: str) -> None:
    header = wire.sign(account(), timestamp, body.encode())
    assert header == f"digest-alg=RSA-SHA; key-id=KEY:RSA:rsf.org; data={data}"
    assert wire.is_theirs(one_key(), timestamp, body.encode(), header)
    assert not wire.is_theirs(one_key(), timestamp, body.encode() + b" ", header)
    assert not wire.is_theirs(one_key(), timestamp + "0", body.encode(), header)


def test_a_payment_is_written_and_signed_as_in_the_pack() -> None:
    shop = {"partner_shop_id": "0001", "partner_shop_name": "ร้านควิกคับ"}
    exchange: Any = CONNECTOR.create(account(**shop), order())
    request = next(exchange)
    assert request.body.decode() == B1
    assert request.headers["Timestamp"] == "1735689600"
    assert request.headers["Content-Signature"].endswith(f"data={T1}")
    exchange.close()


@pytest.mark.parametrize(
    "form", ["data={}", "digest-alg=RSA-SHA;key-id=KEY:RSA:rsf.org;data={}", "x; data= {} "]
)
def test_a_signature_is_read_with_and_without_blanks(form: str) -> None:
    assert wire.is_theirs(one_key(), "1735689600", N2.encode(), form.format(T2))


@given(st.text(max_size=300))
def test_no_other_header_passes_for_a_signature(header: str) -> None:
    assert not wire.is_theirs(one_key(), "1735689600", N2.encode(), header)


def test_a_key_may_be_pem_as_well() -> None:
    lines = re.sub(r"(.{64})", r"\1\n", MERCHANT_PRIVATE_KEY)
    pem = f"-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----\n"
    assert wire.sign(account(private_key=pem), "1735689600", B1.encode()).endswith(T1)


@pytest.mark.parametrize("key", ["", "no key", base64.b64encode(b"no key").decode()])
def test_without_usable_keys_nothing_is_asked_or_believed(key: str) -> None:
    broken = dataclasses.replace(account(), settings={**account().settings, "truemoney_public_key": key})
    asked, outcome = driven(CONNECTOR.create(broken, order()))
    assert asked == [] and isinstance(outcome, Declined)
    assert outcome.failure is Failure.PROVIDER_MISCONFIGURED
    raw = RawCallback("POST", {"timestamp": "1735689600", "content-signature": f"data={T2}"}, {}, N2.encode())
    with pytest.raises(Forged):
        CONNECTOR.read_callback(broken, raw)


def test_the_pack_s_notification_is_read_and_its_answer_signed() -> None:
    raw = RawCallback("POST", {"timestamp": "1735689600", "content-signature": f"data={T2}"}, {}, N2.encode())
    news = CONNECTOR.read_callback(one_key(), raw)
    assert (news.event_key, news.reference, news.receipt) == ("ntf-0001", "QK250101000001", None)
    answer = CONNECTOR.answer_callback(one_key(), news)
    assert answer.status == 200 and answer.body.decode() == A3
    at_t3 = dataclasses.replace(news, for_answer={"timestamp": "1735689601", "notify_id": "ntf-0001"})
    sealed = CONNECTOR.answer_callback(one_key(), at_t3).headers["content-signature"]
    assert sealed.endswith(f"data={T3}")


@given(st.binary(max_size=120))
def test_whatever_truemoney_signs_is_taken_so_that_no_payer_is_refunded(body: bytes) -> None:
    headers = {"timestamp": "1", "content-signature": seal(TRUEMONEY_PRIVATE_KEY, "1", body)}
    news = CONNECTOR.read_callback(account(), RawCallback("POST", headers, {}, body))
    assert news.about is About.NOTHING and news.event_key
    assert CONNECTOR.answer_callback(account(), news).status == 200


@given(st.binary(max_size=120))
def test_no_signed_bytes_make_a_payment_fail_or_succeed(body: bytes) -> None:
    exchange = CONNECTOR.inquire(account(), order(provider_reference="520000000000001"))
    _, outcome = driven(exchange, signed(None, body=body))
    assert isinstance(outcome, Unknown)


@pytest.mark.parametrize("status", [100, 302, 429, 500, 502, 503])
def test_a_status_that_is_no_answer_proves_nothing(status: int) -> None:
    _, outcome = driven(CONNECTOR.create(account(), order()), said("insufficient_fund", None, status))
    assert isinstance(outcome, Unknown)


@given(st.from_regex(r"[a-z_]{1,30}", fullmatch=True), st.sampled_from([200, 400, 404]))
def test_a_code_nobody_knows_declines_only_as_the_client_s_fault(code: str, status: int) -> None:
    if (
        code in errors.PROVES
        or code in errors.DUPLICATES
        or code in ("success", "internal_error", "processing")
    ):
        return
    outcome = errors.conclude(account(), wire.Said(status, code, "", None))
    assert isinstance(outcome, Declined if status >= 400 else Unknown)


@given(st.one_of(st.integers(), st.text(max_size=20), st.none(), st.booleans(), st.decimals()))
def test_an_amount_is_whole_satang_or_unreadable(value: Any) -> None:
    try:
        money = wire.satang_at({"amount": value}, "amount")
    except Garbled:
        return
    assert money.minor == int(value) > 0 and not isinstance(value, bool)


def test_a_refund_is_made_by_the_receipt_s_id_and_asked_about_without_moving_money() -> None:
    exchange: Any = CONNECTOR.create(account(), order())
    pay = next(exchange)
    read_back = exchange.send(said("success", {"payment_id": "520000000000001"}))
    assert not pay.asks_only and read_back.asks_only
    assert pay.deadline_seconds == 60
    exchange.close()


def test_dollars_are_not_taken() -> None:
    asked, outcome = driven(CONNECTOR.create(account(), order(amount=Money(100, USD))))
    assert asked == [] and isinstance(outcome, Declined) and outcome.failure is Failure.CURRENCY_REFUSED


def test_it_is_off_until_an_account_turns_it_on() -> None:
    assert {offer.flag for offer in MANIFEST.methods} == {"direct_enabled"}
    off = account(direct_enabled="false")
    for exchange in (CONNECTOR.create(off, order()), CONNECTOR.inquire(off, order())):
        asked, outcome = driven(exchange)
        assert asked == [] and isinstance(outcome, Declined)


def test_another_path_is_a_setting() -> None:
    exchange: Any = CONNECTOR.create(account(path_payments="/v2/isv/payments"), order())
    assert next(exchange).path == "/v2/isv/payments"
    exchange.close()


def test_a_payment_is_paid_by_the_amount_that_is_read_back() -> None:
    record = {
        "payment_id": "520000000000001",
        "isv_payment_ref": "QK250101000001",
        "amount": 10000,
        "currency": "thb",
        "status": "succeeded",
        "created": "2025-01-01T07:00:01+07:00",
    }
    answers = said("success", {"payment_id": "520000000000001"}), said("success", record)
    _, outcome = driven(CONNECTOR.create(account(), order()), *answers)
    assert isinstance(outcome, Paid)
    assert outcome.receipts[0].paid_at == datetime(2025, 1, 1, 0, 0, 1, tzinfo=UTC)


def test_no_secret_is_in_what_is_sent() -> None:
    exchange: Any = CONNECTOR.create(account(), order())
    request = next(exchange)
    exchange.close()
    assert MERCHANT_PRIVATE_KEY not in f"{request.headers}{request.body!r}"
    assert "demo-secret" not in f"{request.headers}{request.body!r}"
