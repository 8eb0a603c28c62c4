"""2C2P's signatures to the byte, and readers that never take one thing for another."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe, jws
from joserfc.jwk import RSAKey

from quickkub.connectors.contract import (
    Account,
    Declined,
    Failure,
    Forged,
    Order,
    Payer,
    RawCallback,
    Unreadable,
)
from quickkub.connectors.providers.twoctwop import action_wire, callbacks, codes, jose, next_step, wire
from quickkub.connectors.providers.twoctwop.codes import Verdict
from quickkub.connectors.providers.twoctwop.connector import CONNECTOR
from quickkub.connectors.providers.twoctwop.manifest import CHANNELS, MANIFEST
from quickkub.connectors.providers.twoctwop.settings import channel, is_hosted
from quickkub.connectors.providers.twoctwop.simulator import seals
from quickkub.connectors.reading import Garbled
from quickkub.kernel.ids import MerchantId
from quickkub.kernel.money import Money
from quickkub.kernel.secrets import Secret
from tests.support import twoctwop

NOW = datetime(2026, 1, 15, 3, 30, tzinfo=UTC)
KEYS = jose.read_keys(twoctwop.MERCHANT, twoctwop.PROVIDER)

# The pack's vectors (2c2p.md 2.1): claims and third part.
REQUEST = '{"merchantID":"JT04","invoiceNo":"QK250101000001","description":"QuickKub order 1","amount":"100.00","currencyCode":"THB"}'  # noqa: E501
ANSWER = '{"webPaymentUrl":"https://sandbox-pgw-ui.2c2p.com/payment/4.3/#/token/kSAops9Zwhos8hSTSeLTUQ%3d%3d","paymentToken":"kSAops9Zwhos8hSTSeLTUQ==","respCode":"0000","respDesc":"Success"}'
NOTIFICATION = '{"merchantID":"JT04","invoiceNo":"QK250101000001","amount":100.00,"currencyCode":"THB","transactionDateTime":"20250101120128","agentCode":"KBANK","channelCode":"VI","approvalCode":"717282","referenceNo":"3300441","tranRef":"3471276","accountNo":"411111XXXXXX1111","cardType":"CREDIT","issuerCountry":"TH","eci":"05","paymentScheme":"VI","paymentID":"ccpp_3300441","respCode":"0000","respDesc":"Success"}'  # noqa: E501
PUBLISHED = [
    (REQUEST, "NFof-UpBxWrRbqEQXM63zuktHykveZRHKKrDaytirF0"),
    (ANSWER, "FdZwSawqURNJIQnVgBizEMUnxFpZHDB3Pz5tMsHvHDQ"),
    (NOTIFICATION, "LzbP4AfYEp_SNxfnuD0QigMo_Fe_l1EV8rnG7LVUN6A"),
]
DECODED_KEY_SIGNATURE = "wZBCEFtw2VGAbPCwhm1o3wZOJ5IKc9QEMg3xt1da7Y0"
SAMPLE = "eyJhbGciOiJQUzI1NiIsInR5cCI6IkpXVCJ9.ZXlKaGJHY2lPaUpTVTBFdFQwRkZVQ0lzSW1WdVl5STZJa0V5TlRaSFEwMGlmUS5JaGQyWkNfRVBPWWx4YW43b3FOX0hNLUVldHp4TUprNlhROVpDREVTSUZrdlV6TmQ1NEJyRXlRbHFmUy1GbE1SVnBteEYtM1hOYWZ5bUpEdklWeGxOUXRISVhsdFZVbUlkZkg1bG5RNWpiQXFjTEhJZ2h2aHM4bFpHQnVVbVg4NmRRcWpubnhfWHRoaHJBZWR0amxXLW9idXJxS1M5bXFjWXZMdmQ3V195ZlhnWFRZN21fSjhUa1lkZ0NwdG5OdTJSOFJxZGliOTBacnQ5V1hhSi04YVNia3NIWENoVkp1OTdPVHVzNVFhZlF2alNpUk1IN0x1NjdYVHptckZKNF9fS1AzUHlOMGlzUmoyaU5LYW40a2N6dUo3MHJjLWR3a3h2eFEtX3JPSi1BZHBWaXEwTmhydk9vMjEyc0lfNG5tWTlYTzd0Tm00d280MVZLY29rejV2b1EuRVFWTnBES0E3OVhJc1NVeC45cmhfQXB2RDR6d052dXFTT2hLZEkxbmNQMldMYkJ4a1BRaFJaXzJvMm5saHhMS1V2WHZlN1RlVnViSmxIZGtRcFZtSVIwLWRrQnRQZFZ5R2p1blphZllHeGIzcXNYdUdUb2JpamlDLW5janFLdlJRVjlpYklJcXZrYVdmUW9QRzB4T2YtZXlHTXRkcGRteldKUm9oVk5XQmJFOVJud29rZWJIakd4YTF4RGY1Z1hyZDNPU19CMERiVUd6RWdRcFdHV3R4MGVTajFVbEtKY2Q2RXNHZWUyZ1NkN0lKWUpnQmlzdlNxaHpfTmR2M0hnc2FpdmtweW5nSTFucElJVDJYWmdoUFltNnE0ZG5iaEJvQjNLSng5cmZIWERmUzFvWm1NYnZDZ2dnSWpJQnJpU1o1VHY4d0tmYmNqaWp5NGVPdV9weGQ4QjFaWC1SWWJtbnRfTm1mWG1hQTBnYXE0Ui1tczBXMzRKdFIuX1FtX3BrYjJvTkY1MVpmWlJLcWdpUQ.fvojiiprK_EiVl2tJF5Wvbtnf2ZbLQI0r1tMhMjAf1QUcbm585FqBeCymI-gbU9KSEppqqlsMRDFwsCdbWMFVTqUmyxR0AhaEyg7xeHhIAMh8nkFRyj0zHS9Zz5eJz1Syj1xUmXzMZr298x6if68DDjngiC0fklV0SZ8ioY89jmb7ltRpREsSsQzXrlMU-3_FXNs-OEosHIiMjweduJ2cYHt8-QB3LdMQDOYgGq6HfBi8AH6m0hl6-YgR60JB2bTL3uTOyCB9ylAWtJoeZIHNcoioQfm836UsA9vzkywomV-GjRjjyB2i__nmgdVwZDUIclVDut7PegnErV7nBLm4g"  # noqa: E501


def account(**changes: Any) -> Account:
    said: dict[str, Any] = {
        "settings": {"merchant_id": "JT04", "provider_certificate": twoctwop.PROVIDER},
        "credentials": {
            "secret_key": Secret(twoctwop.SECRET),
            "merchant_private_key": Secret(twoctwop.MERCHANT),
        },
        **changes,
    }
    return Account(MerchantId("mer_" + "0" * 32), "acc_" + "0" * 32, "test", "2c2p", **said)


def order(method: str = "card", **changes: Any) -> Order:
    said = Order("QK1", Money(10_000), method, NOW, NOW + timedelta(minutes=15), NOW)
    return replace(said, **changes)


# --- what is published ---


@pytest.mark.parametrize(("claims", "signature"), PUBLISHED)
def test_the_published_tokens_come_out_to_the_byte(claims: str, signature: str) -> None:
    token = jose.sign_claims(twoctwop.SECRET, json.loads(claims, parse_float=Decimal))
    assert token.rpartition(".")[2] == signature
    assert jose.read_claims(twoctwop.SECRET, token) == json.loads(claims, parse_float=Decimal)
    assert seals.signed(json.loads(claims, parse_float=Decimal), twoctwop.SECRET) == token


def test_a_signature_by_the_decoded_key_is_refused() -> None:
    token = jose.sign_claims(twoctwop.SECRET, json.loads(REQUEST)).rpartition(".")[0]
    with pytest.raises(Garbled):
        jose.read_claims(twoctwop.SECRET, f"{token}.{DECODED_KEY_SIGNATURE}")
    assert not seals.is_signed_by(f"{token}.{DECODED_KEY_SIGNATURE}", twoctwop.SECRET)


def test_the_published_payment_action_opens_in_three_ways() -> None:
    by_hand = twoctwop.unseal(SAMPLE.encode(), twoctwop.MERCHANT, twoctwop.PROVIDER)
    assert "<actionAmount>40.00</actionAmount><idempotencyID>QK-RF-1</idempotencyID>" in by_hand
    assert seals.opened(SAMPLE.encode())[1].decode() == by_hand
    at_2c2p = jose.read_keys(twoctwop.PROVIDER, twoctwop.MERCHANT)
    assert jose.unwrap(SAMPLE.encode(), at_2c2p).decode() == by_hand


def test_what_we_seal_opens_by_hand_and_what_is_sealed_by_hand_opens_here() -> None:
    assert twoctwop.unseal(jose.wrap("ไทย", KEYS), twoctwop.MERCHANT, twoctwop.PROVIDER) == "ไทย"
    assert jose.unwrap(twoctwop.seal("ไทย", twoctwop.PROVIDER, twoctwop.MERCHANT), KEYS).decode() == "ไทย"


# --- protection ---


@pytest.mark.parametrize("alg", ["RSA-OAEP-256", "RSA1_5"])
@pytest.mark.filterwarnings("ignore")  # the library warns of RSA1_5, which is why it must be refused
def test_another_encryption_than_2c2p_s_is_refused(alg: str) -> None:
    merchant = RSAKey.import_key(json.loads(twoctwop.MERCHANT))
    provider = RSAKey.import_key(json.loads(twoctwop.PROVIDER))
    sealed = jwe.encrypt_compact({"alg": alg, "enc": "A256GCM"}, "x", merchant, algorithms=[alg, "A256GCM"])
    body = jws.serialize_compact({"alg": "PS256"}, sealed, provider, algorithms=["PS256"])
    with pytest.raises(Garbled):
        jose.unwrap(body.encode(), KEYS)


def test_another_signature_than_2c2p_s_is_refused() -> None:
    provider = RSAKey.import_key(json.loads(twoctwop.PROVIDER))
    body = jws.serialize_compact({"alg": "RS256"}, "x", provider, algorithms=["RS256"])
    with pytest.raises(Garbled):
        jose.unwrap(body.encode(), KEYS)
    for header in ({"alg": "HS512", "typ": "JWT"}, {"alg": "none"}, {"typ": "JWT"}):
        with pytest.raises(Garbled):
            jose.read_claims(twoctwop.SECRET, twoctwop.jwt({"respCode": "0000"}, header=header))


def test_the_order_of_a_jwt_s_header_is_free() -> None:
    token = twoctwop.jwt({"respCode": "0000"}, header={"typ": "JWT", "alg": "HS256"})
    assert jose.read_claims(twoctwop.SECRET, token) == {"respCode": "0000"}


def test_keys_are_taken_as_pem_and_certificate_too() -> None:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "2C2P of the tests")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=1))
    )  # fmt: skip
    certificate = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    keys = jose.read_keys(private, certificate)
    assert jose.unwrap(jose.wrap("said to ourselves", keys), keys) == b"said to ourselves"


@pytest.mark.parametrize(
    "text", ["", "{}", "-----BEGIN PRIVATE KEY-----", '{"kty":"RSA"}', '{"kty":"oct","k":"x"}']
)
def test_a_key_that_cannot_be_used_is_said_so_without_repeating_it(text: str) -> None:
    with pytest.raises(jose.BadKey, match="private key cannot be read"):
        jose.read_keys(text, twoctwop.PROVIDER)


def test_a_public_key_is_no_private_key() -> None:
    public = {name: json.loads(twoctwop.MERCHANT)[name] for name in ("kty", "n", "e")}
    with pytest.raises(jose.BadKey, match="public key"):
        jose.read_keys(json.dumps(public), twoctwop.PROVIDER)


@given(
    st.text()
    | st.from_regex(r"[A-Za-z0-9_-]{0,30}\.[A-Za-z0-9_-]{0,30}\.[A-Za-z0-9_-]{0,43}", fullmatch=True)
)
def test_whatever_is_no_token_is_garbled(text: str) -> None:
    with pytest.raises(Garbled):
        jose.read_claims(twoctwop.SECRET, text)
    with pytest.raises(Garbled):
        jose.unwrap(text.encode("utf-8", "replace"), KEYS)


# --- readers ---

CENTURY = (datetime.fromisoformat("2000-01-01T00:00:00"), datetime.fromisoformat("2099-12-31T00:00:00"))


@given(st.binary(max_size=200))
def test_whatever_is_no_answer_of_an_action_is_garbled(text: bytes) -> None:
    with pytest.raises(Garbled):
        action_wire.read_text(account(), text)


@pytest.mark.parametrize(
    "inside",
    [
        "",
        "<respCode>0</respCode>",
        "<respCode>00</respCode><respCode>12</respCode>",
        "<respCode>00</respCode><merchantID>JT01</merchantID>",
        '<respCode>00</respCode><refundList><refund amount="1.001" status="RF"/></refundList>',
        "<respCode>00</respCode><!-- a remark -->",
    ],
)
def test_an_action_s_answer_with_two_meanings_or_none_is_garbled(inside: str) -> None:
    with pytest.raises(Garbled):
        action_wire.read_text(
            account(), f"<PaymentProcessResponse>{inside}</PaymentProcessResponse>".encode()
        )


def test_an_answer_that_declares_entities_is_not_even_parsed() -> None:
    inside = "<PaymentProcessResponse><respCode>&a;</respCode></PaymentProcessResponse>"
    bomb = f'<!DOCTYPE x [<!ENTITY a "00">]>{inside}'.encode()
    with pytest.raises(Garbled, match="not plain XML"):
        action_wire.read_text(account(), bomb)


@given(
    st.datetimes(*CENTURY),
    st.sampled_from(["%Y%m%d%H%M%S", "%d%m%Y%H%M%S"]),
)
def test_both_orders_of_a_time_are_read_as_the_same_moment(moment: datetime, form: str) -> None:
    read = wire.moment(moment.strftime(form), account())
    assert read == moment.replace(microsecond=0, tzinfo=UTC) - timedelta(hours=7)


@given(st.text(max_size=20))
def test_what_is_no_time_is_garbled(text: str) -> None:
    try:
        assert wire.moment(text, account()).tzinfo is UTC
    except Garbled:
        return


def test_the_zone_of_times_is_a_setting() -> None:
    there = account(settings={"merchant_id": "JT04", "utc_offset": "+08:00"})
    assert wire.moment("20260115103312", there) == datetime(2026, 1, 15, 2, 33, 12, tzinfo=UTC)


BODIES = st.binary(max_size=100) | st.dictionaries(
    st.text(max_size=10), st.text(max_size=30), max_size=3
).map(lambda said: json.dumps(said).encode())
TYPES = st.sampled_from(["application/json", "application/x-www-form-urlencoded", "", "text/plain"])


@given(BODIES, TYPES)
def test_whatever_is_no_callback_of_2c2p_is_refused(body: bytes, kind: str) -> None:
    with pytest.raises((Forged, Unreadable)):
        callbacks.read(account(), RawCallback("POST", {"content-type": kind}, {}, body))


NAMES = [
    "merchantID",
    "invoiceNo",
    "amount",
    "currencyCode",
    "respCode",
    "referenceNo",
    "transactionDateTime",
]
VALUES = st.none() | st.text(max_size=15) | st.integers() | st.lists(st.integers(), max_size=2)


@given(st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_signed_nonsense_is_refused_too(claims: dict[str, Any]) -> None:
    body = json.dumps({"payload": twoctwop.jwt({**claims, "merchantID": "JT04"})}).encode()
    raw = RawCallback("POST", {"content-type": "application/json"}, {}, body)
    try:
        news = callbacks.read(account(), raw)
    except Unreadable:
        return
    assert news.reference and (news.receipt is None or news.receipt.amount.minor > 0)


# --- words ---


def test_every_code_of_the_issuer_s_is_known_and_approvals_are_no_declines() -> None:
    approving = {"4008", "4010", "4011", "4016"}
    for number in range(4001, 4100):
        verdict = codes.meaning(str(number)).verdict
        expected = Verdict.UNCLEAR if str(number) in approving else Verdict.FAILED
        assert verdict is (Verdict.WAITING if number == 4009 else expected), number
    assert codes.meaning("4000").verdict is Verdict.UNCLEAR


@given(st.from_regex(r"[0-9]{4}", fullmatch=True))
def test_only_success_and_its_aftermath_are_paid(code: str) -> None:
    paid = {"0000", "4110", "4120", "4121", "4122", "4130", "4131", "4132"}
    assert (codes.meaning(code).verdict is Verdict.PAID) == (code in paid)
    assert codes.refusal(code) is None or codes.meaning(code).verdict in (Verdict.UNCLEAR, Verdict.FAILED)


@given(st.text(max_size=400))
def test_a_description_is_encoded_fits_and_ends_between_letters(text: str) -> None:
    said = wire._description(order(description=text))
    assert len(said) <= 250
    assert html.unescape(said) == (text or "QK1")[: len(html.unescape(said))]


def test_no_request_holds_a_card_number() -> None:
    paying = order(payer=Payer(card_token="secure-1", name="S", email="s@example.com", phone="0812345678"))
    sent = json.loads(wire.pays(account(), paying, "token").body)
    assert sent["payment"]["data"] == {
        "name": "S", "email": "s@example.com", "mobileNo": "0812345678", "securePayToken": "secure-1",
    }  # fmt: skip


def test_every_method_has_a_channel_and_says_how_it_ends_up() -> None:
    assert {offer.method for offer in MANIFEST.methods} == set(CHANNELS)
    assert not is_hosted(account(), order(payer=Payer(card_token="t"))) and is_hosted(account(), order())


def test_a_channel_of_the_merchant_s_own_is_used() -> None:
    own = account(
        settings={"merchant_id": "JT04", "channels": "mobile_banking=DEEPLINK,scb_easy=123/THSCB/APP"}
    )
    assert channel(own, order("mobile_banking")).code == "DEEPLINK"
    assert channel(own, order("scb_easy")).agent_channel == "APP"
    assert channel(own, order("truemoney")).code == "TRUEMONEY"


@pytest.mark.parametrize(
    "data", ["javascript:alert(1)", "data:text/html,x", "no link", "", "https://has space/"]
)
@pytest.mark.parametrize("code", ["1001", "1002", "1004"])
def test_what_is_no_address_is_not_put_before_a_payer(code: str, data: str) -> None:
    with pytest.raises(Garbled):
        next_step.action_in(code, {"data": data}, order("linepay"))


def _asks(connector: Any) -> list[Callable[[Account], Any]]:
    return [lambda a: connector.create(a, order()), connector.check, connector.token]


@pytest.mark.parametrize("ask", _asks(CONNECTOR))
@pytest.mark.parametrize("lacking", [{"settings": {}}, {"credentials": {}}])
def test_an_incomplete_account_asks_nothing(ask: Callable[[Account], Any], lacking: dict[str, Any]) -> None:
    with pytest.raises(StopIteration) as end:
        next(ask(account(**lacking)))
    assert isinstance(end.value.value, Declined)
    assert end.value.value.failure is Failure.PROVIDER_MISCONFIGURED
