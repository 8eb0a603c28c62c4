"""Bangkok Bank's connector without a wire: hashes, signatures, readers, and what the pack's vectors give."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.connectors.contract import Account, ActionKind, Order, Waiting
from quickkub.connectors.particulars import loose_account
from quickkub.connectors.providers.bbl import errors, hashes, portal, signing, statement, wire
from quickkub.connectors.providers.bbl.connector import CONNECTOR
from quickkub.connectors.providers.bbl.manifest import MANIFEST
from quickkub.connectors.providers.bbl.simulator.files import day_file
from quickkub.connectors.providers.bbl.test_keys import TEST_PRIVATE_KEY, TEST_PUBLIC_KEY
from quickkub.connectors.providers.bbl.xml_records import read_records
from quickkub.connectors.reading import Garbled
from quickkub.kernel.money import Money

NOON = datetime(2026, 1, 15, 5, 0, tzinfo=UTC)
SECRET = "demoSecureHashSecret01"

CLAIMS = (
    b'{"billerId":"099400012345678","reference1":"INV20260115001","totalAmount":"150.75","currencyCode":"THB",'
    b'"exp":1768530600,"iat":1768444200,"jti":"3f0c7f0e-5f0b-4a2e-9f0e-2b6f8f6f1a11"}'
)
TOKEN = (
    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJiaWxsZXJJZCI6IjA5OTQwMDAxMjM0NTY3OCIsInJlZmVyZW5jZTEiOiJJTlYyMDI2"
    "MDExNTAwMSIsInRvdGFsQW1vdW50IjoiMTUwLjc1IiwiY3VycmVuY3lDb2RlIjoiVEhCIiwiZXhwIjoxNzY4NTMwNjAwLCJpYXQiOjE3"
    "Njg0NDQyMDAsImp0aSI6IjNmMGM3ZjBlLTVmMGItNGEyZS05ZjBlLTJiNmY4ZjZmMWExMSJ9.SVdT0-dPBMvXbl7gD6IUwWXOSYBI6A0R"
    "mq8ZlGZ7W63EoDG1q20UirRhmWlm-lYvnmfdAMX6bdYVbmP2m8rLvbP976pL7vWAAUhfY5U9hZ6JCoxxceGmrYYpAcWiiK76dCRoUgHL"
    "7Cxutl9lEmMN6p4hp9SKq0iCAIIqlR8ojXlhkuwyVMSu0q4wjWb1nkt2eV7-x4soJQFVCiTSJWgylzg3ze0bv4rTuDZS-sdpnrsqeD4N"
    "iV21lvlrTLnZk-OVtzdT2kdEfD8NkcKc6PvL3AN2TnKxxeD96JdfNgGnJXZOpRQvxR4knBTam8An-TZop5HhKEFKAt1PaBXuF5y7GA"
)


def account(**settings: str) -> Account:
    return loose_account(MANIFEST, {**MANIFEST.simulator_account, **settings})


def order(**more: Any) -> Order:
    usual = Order(
        "QK0001",
        Money(15_075),
        "card",
        NOON,
        NOON + timedelta(minutes=15),
        NOON,
        return_url="https://pay.example/back",
    )
    return dataclasses.replace(usual, **more)


# --- secure hash ---


@pytest.mark.parametrize(
    ("text", "algorithm", "hexadecimal"),
    [
        ("1234|ORD-20260115-0001|764|150.75|N", "sha1", "59aa51c34d6c1347d9147f3405f77657b3149ab1"),
        (
            "1234|ORD-20260115-0001|764|150.75|N",
            "sha256",
            "5b32e7a928735d58c2ae2408cd40fde6356e66635ccc69c28afae0f6b99b99a9",
        ),
        (
            "1234|ORD-20260115-0001|764|150.75|N",
            "sha512",
            "d7602f80bfc232ebb2a1626104008a22604bc30e570493b4d2e206f3249e7f7349d10138499847146d8d38fa964041416151"
            "e1c6bb48633c52ff0d053a141a33",
        ),
        ("1234|ORD-20260115-0002|764|99.00|H", "sha1", "007f7705489744f486755043f6e65af466d90bd0"),
        (
            "1234|ORD-20260115-0002|764|99.00|H",
            "sha256",
            "c8d3a692e4300b03a3f26e5ff860e35130fd5f666f3a45c5d8b38520790fc4eb",
        ),
        (
            "1234|ORD-20260115-0002|764|99.00|H",
            "sha512",
            "d455c57b71c4762c61f66e172bdbf6c2f2dcead2e1960bf714a61a8ed5012458f4451eb1f38e2e668de5c464b88cba6bb89c"
            "fcac6743634473978489a34a1d2e",
        ),
        ("0|0|0|ORD-20260115-0001|1154604|764|150.75|Y", "sha1", "862048c641d01f7ac1d71405ea6f8699b1bc31f0"),
        (
            "0|0|0|ORD-20260115-0001|1154604|764|150.75|Y",
            "sha256",
            "ae6eaf5e2c36db2d1aa255efd7ccfc74197c377cb38e7c8135dea0337503ef49",
        ),
        (
            "0|0|0|ORD-20260115-0001|1154604|764|150.75|Y",
            "sha512",
            "4a7acf74b64ad032a7c5d12f402d298a341c02d5bfdeefb2d6306ff9e7ddb951b59c107ac50286968e1bf7e8ffb3097755b4"
            "15494396ccbb3887e94d440c4c1d",
        ),
        ("14|1|1|ORD-20260115-0002|1154605|764|99.00|N", "sha1", "0ad4a43f5139f37c734dfc69eab095f0fe8a01e0"),
        (
            "14|1|1|ORD-20260115-0002|1154605|764|99.00|N",
            "sha256",
            "051c15fbf79acb5d831e77440812a5df155d5df8150c40c88130f5ca95c0d083",
        ),
        (
            "14|1|1|ORD-20260115-0002|1154605|764|99.00|N",
            "sha512",
            "9f99bc6eeda2d0db11d8a08fbeb0464d5bf042ea27701cb18c6fead2ff70506585fa10ad16fa6f94ca39fc4ff9d30af0db33"
            "4c110a5d82709225ab7e1698c82b",
        ),
    ],
)
def test_the_published_hashes_come_out_to_the_letter(text: str, algorithm: str, hexadecimal: str) -> None:
    assert hashes.digest(algorithm, *text.split("|"), SECRET) == hexadecimal
    assert hashes.matches(hexadecimal, [algorithm], *text.split("|"), SECRET)


@given(st.text(max_size=200))
def test_no_other_text_passes_for_a_hash(text: str) -> None:
    assert not hashes.matches(text, ["sha1", "sha256", "sha512"], "0", SECRET)


def test_an_endless_list_of_hashes_is_no_proof() -> None:
    right = hashes.digest("sha512", "0", SECRET)
    assert not hashes.matches(",".join([right] * 6), ["sha512"], "0", SECRET)


def test_only_the_three_algorithms_are_secure_hashes() -> None:
    with pytest.raises(ValueError, match="md5"):
        hashes.digest("md5", "0")


# --- message signatures ---


def test_the_published_token_comes_out_to_the_letter() -> None:
    assert signing.token_of(CLAIMS, TEST_PRIVATE_KEY) == TOKEN
    assert signing.claims_in(TOKEN, TEST_PUBLIC_KEY)["reference1"] == "INV20260115001"


def test_our_claims_are_written_as_the_published_ones() -> None:
    body = {
        "billerId": "099400012345678",
        "reference1": "INV20260115001",
        "totalAmount": "150.75",
        "currencyCode": "THB",
    }
    at = datetime(2026, 1, 15, 2, 30, tzinfo=UTC)
    assert portal.claims_of(account(), body, at, "3f0c7f0e-5f0b-4a2e-9f0e-2b6f8f6f1a11") == CLAIMS


def test_a_key_may_be_written_as_pem() -> None:
    rows = "\n".join(TEST_PRIVATE_KEY[i : i + 64] for i in range(0, len(TEST_PRIVATE_KEY), 64))
    pem = f"-----BEGIN PRIVATE KEY-----\n{rows}\n-----END PRIVATE KEY-----\n"
    assert signing.token_of(CLAIMS, pem) == TOKEN


@pytest.mark.parametrize("key", ["", "AAAA", "not base64!", TEST_PUBLIC_KEY])
def test_a_key_that_cannot_be_used_is_said_to_be_one(key: str) -> None:
    with pytest.raises(signing.BadKey):
        signing.token_of(CLAIMS, key)


def test_a_short_key_is_not_used() -> None:
    short = (
        "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC6d/x6xRlpwNYmHkGTqQtaD61IEtpcSwz+TVLnNX+ePLQucqzVMdwMyBKpk4609qgQpa0OCF"
        "rkndfA5gtVp/yvFmLAbdtmZtAPBieNDXNQUN2KIOUeYRAsBmV0NuHLqeXI51g7xWycM/Vqxh/78gmaSmdYbx2UePjLoDx6hm1SIwIDAQAB"
    )
    with pytest.raises(signing.BadKey, match="2048"):
        signing.claims_in(TOKEN, short)


def _jwt(header: dict[str, str], claims: dict[str, Any], sign: Any) -> str:
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims)
    ]
    signature = base64.urlsafe_b64encode(sign(".".join(parts).encode())).decode().rstrip("=")
    return ".".join([*parts, signature])


def test_a_token_may_not_choose_its_own_algorithm() -> None:
    claims = {"exp": 2, "iat": 1, "jti": "x"}
    public = base64.b64decode(TEST_PUBLIC_KEY)
    none = _jwt({"alg": "none"}, claims, lambda _: b"x")
    ours = _jwt({"alg": "HS256"}, claims, lambda text: hmac.new(public, text, hashlib.sha256).digest())
    for token in (none, ours):
        with pytest.raises(signing.BadSignature):
            signing.claims_in(token, TEST_PUBLIC_KEY)


@given(st.integers(0, len(TOKEN) - 1), st.characters(codec="ascii"))
def test_a_token_with_any_letter_changed_is_refused(place: int, letter: str) -> None:
    changed = TOKEN[:place] + letter + TOKEN[place + 1 :]
    if changed == TOKEN:
        return
    with pytest.raises(signing.BadSignature):
        signing.claims_in(changed, TEST_PUBLIC_KEY)


def _signature(words: dict[str, Any], **proof: Any) -> str:
    claims = {**words, "exp": 1_768_530_600, "iat": 1_768_444_200, "jti": "j", **proof}
    return signing.token_of(
        json.dumps({k: v for k, v in claims.items() if v is not None}).encode(), TEST_PRIVATE_KEY
    )


def test_numbers_are_compared_as_decimals_and_everything_else_to_the_letter() -> None:
    words: dict[str, Any] = {"amount": 150.75, "ref": "A", "list": [1, "x"], "flag": True, "none": None}
    signature = _signature({"amount": "150.750", "ref": "A", "list": [1.0, "x"], "flag": True})
    said = {name: value for name, value in words.items() if name != "none"} | {"amount": Decimal("150.75")}
    portal.verify(account(), signature, said, now=None)
    for wrong in ({"amount": Decimal("150.76")}, {"ref": "a"}, {"flag": 1}, {"more": ""}, {"list": [1]}):
        with pytest.raises(signing.BadSignature):
            portal.verify(account(), signature, said | wrong, now=None)


@pytest.mark.parametrize(
    "proof", [{"exp": None}, {"iat": None}, {"jti": None}, {"exp": 1}, {"exp": "1768530600"}, {"exp": True}]
)
def test_a_signature_without_its_times_is_none(proof: dict[str, Any]) -> None:
    with pytest.raises(signing.BadSignature):
        portal.verify(account(), _signature({"a": "b"}, **proof), {"a": "b"}, now=None)


def test_an_answer_whose_signature_has_expired_is_refused() -> None:
    signature = _signature({"a": "b"})
    expires = datetime.fromtimestamp(1_768_530_600, UTC)
    portal.verify(account(), signature, {"a": "b"}, now=expires + timedelta(minutes=4))
    with pytest.raises(signing.BadSignature, match="expired"):
        portal.verify(account(), signature, {"a": "b"}, now=expires + timedelta(minutes=6))


# --- readers ---


@given(st.binary(max_size=300))
def test_any_bytes_are_records_or_garbled(raw: bytes) -> None:
    try:
        records = read_records(raw)
    except Garbled:
        return
    assert all(isinstance(value, str) for record in records for value in record.values())


@given(
    st.lists(
        st.dictionaries(
            st.from_regex(r"[a-zA-Z]{1,10}", fullmatch=True),
            st.from_regex(r"[ -;=?-~]{0,20}", fullmatch=True),
        ),
        max_size=5,
    )
)
def test_records_are_read_as_they_were_written(records: list[dict[str, str]]) -> None:
    body = "".join(
        "<record>" + "".join(f"<{n}>{v.replace('&', '&amp;')}</{n}>" for n, v in r.items()) + "</record>"
        for r in records
    )
    read = read_records(f"<records>{body}</records>".encode())
    assert read == [{name: value.strip() for name, value in record.items()} for record in records]


@pytest.mark.parametrize(
    "text",
    [
        "<records>text</records>",
        "<records><other/></records>",
        "<records><record><a><b/></a></record></records>",
        "<record/>",
        "<records/><records/>",
        "<records><record>" + "<a>" + "x" * 5000 + "</a></record></records>",
        '<?xml version="1.0" encoding="x-nobody"?><records/>',
    ],
)
def test_what_is_no_list_of_records_is_garbled(text: str) -> None:
    with pytest.raises(Garbled):
        read_records(text.encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_a_form_or_garbled(raw: bytes) -> None:
    try:
        words = wire.read_form(raw)
    except Garbled:
        return
    assert all("\x00" not in value for value in words.values())


@pytest.mark.parametrize("prc", sorted(errors.BY_PRC))
def test_every_published_code_is_a_decline_with_its_number(prc: str) -> None:
    assert errors.rejection(prc, "0").provider_code == f"{prc}/0"


def test_a_code_may_have_zeros_in_front() -> None:
    assert errors.rejection("1", "05") == errors.rejection("1", "5")
    assert errors.rejection("1", "051").failure.value == "insufficient_funds"


# --- the form ---


def _fields(**more: Any) -> dict[str, str]:
    try:
        next(CONNECTOR.create(account(), order(**more)))
    except StopIteration as end:
        outcome = end.value
    assert isinstance(outcome, Waiting) and outcome.action is not None
    assert outcome.action.kind is ActionKind.FORM_POST
    return dict(outcome.action.fields)


def test_nothing_of_a_card_is_in_the_form() -> None:
    assert not {"cardNo", "securityCode", "epMonth", "epYear", "cardHolder"} & _fields().keys()


def test_what_the_bank_would_not_take_is_left_out_or_cut() -> None:
    assert "remark" not in _fields(description="two\nlines")
    assert _fields(description="ก" * 300)["remark"] == "ก" * 200


@given(st.integers(1, 10**9))
def test_the_amount_that_is_hashed_is_the_amount_that_is_sent(satang: int) -> None:
    fields = _fields(amount=Money(satang))
    parts = ("1234", "QK0001", "764", f"{satang // 100}.{satang % 100:02d}", "N", SECRET)
    assert fields["amount"] == parts[3] and fields["secureHash"] == hashes.digest("sha512", *parts)


def test_an_account_of_cards_alone_is_settled_by_asking() -> None:
    alone = account(biller_id="")
    assert not CONNECTOR.trusts_callbacks(alone)
    assert CONNECTOR.trusts_callbacks(account())
    cannot_ask = dataclasses.replace(alone, settings={**alone.settings, "ipay.login_id": ""})
    assert CONNECTOR.trusts_callbacks(cannot_ask)


# --- the reconciliation file ---


def _paid(satang: int, ref: str = "INV1", *, reversed_: bool = False) -> Any:
    merchant = SimpleNamespace(biller_id="099400012345678")
    bought = SimpleNamespace(reference=ref, reference2="", reference3="", merchant=merchant)
    moved = SimpleNamespace(
        paid_at=NOON, amount=Money(satang), reversed=reversed_, details={"from_bank": "014"}
    )
    return cast(Any, (bought, moved))


DAY = date(2026, 1, 15)


@given(st.lists(st.tuples(st.integers(1, 10**12), st.booleans()), max_size=20))
def test_a_file_is_read_as_it_was_written(payments: list[tuple[int, bool]]) -> None:
    report = statement.read(day_file(DAY, [_paid(satang, reversed_=back) for satang, back in payments]))
    expected = [amount for satang, back in payments for amount in ([satang, -satang] if back else [satang])]
    assert [line.amount.minor for line in report.lines] == expected
    assert len({line.transaction_id for line in report.lines}) == len(expected)
    assert all(line.at == NOON and line.reference == "INV1" for line in report.lines)


def test_a_file_keeps_the_bank_s_words_but_not_the_payer_s_name() -> None:
    (line,) = statement.read(day_file(DAY, [_paid(15_075)])).lines
    assert line.provider_words["from_bank"] == "014" and line.provider_words["biller"] == "099400012345678"
    assert "สมชาย" not in str(line)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda rows: rows[1:],
        lambda rows: rows[:-1],
        lambda rows: [rows[0], rows[2], rows[1], *rows[3:]],
        lambda rows: [rows[0], *rows[2:]],
        lambda rows: [rows[0], rows[1][:-1], *rows[2:]],
        lambda rows: [rows[0], rows[1].replace("0000000015075", "0000000015076"), *rows[2:]],
        lambda rows: [rows[0], rows[1].replace("C", "X"), *rows[2:]],
        lambda rows: [rows[0], rows[1].replace("15012026", "32012026"), *rows[2:]],
        lambda rows: [rows[0], rows[1].replace("15012026", "1501202a"), *rows[2:]],
        lambda rows: [rows[0], "H" + rows[1][1:], *rows[2:]],
        lambda _: [""],
    ],
)
def test_a_file_that_is_not_whole_is_not_read(spoil: Any) -> None:
    rows = day_file(DAY, [_paid(15_075), _paid(99)]).decode("cp874").split("\r\n")[:-1]
    with pytest.raises(Garbled):
        statement.read("\r\n".join(spoil(rows)).encode("cp874"))


def test_a_file_in_another_encoding_is_not_guessed() -> None:
    raw = day_file(DAY, [_paid(15_075)])
    with pytest.raises(Garbled):
        statement.read_for(account(**{"file.encoding": "utf-8"}), raw)
    assert statement.read_for(account(), raw).lines
