"""The API portal of the simulated bank: token, signatures, app links, notifications, slips, daily file."""

from __future__ import annotations

from typing import Any

import pytest

from quickkub.connectors.providers.bbl import statement
from tests.support.bbl import BILLER, QR, Bank, listening, running_bank
from tests.support.speech.bbl import sign


@pytest.fixture
async def bank() -> Any:
    async with running_bank() as found:
        await found.logs_in()
        yield found


async def test_a_token_is_given_for_the_right_credentials_only(bank: Bank) -> None:
    said = await bank.logs_in()
    assert said.words["token_type"] == "Bearer" and said.words["expires_in"] == 1800
    assert (await bank.logs_in("demo-client:wrong")).status == 401
    assert (await bank.logs_in(grant_type="password")).status == 400


async def test_a_token_ends(bank: Bank) -> None:
    await bank.time_passes(1800)
    assert (await bank.makes_link()).status == 401
    assert (await bank.makes_link(token="nobody")).status == 401


async def test_a_link_is_paid_once_and_the_shop_is_told(bank: Bank) -> None:
    async with listening(bank) as gateway:
        made = await bank.makes_link()
        assert made.code == "000" and made.words["paymentUrl"].startswith("bualuangmbanking://pay?ref=")
        assert (await bank.asks_link()).words["paymentStatus"] == "waiting"
        await bank.pay("A1")
        await bank.time_passes(0)
        said = await bank.asks_link()
    assert said.code == "000"
    assert (said.words["paymentStatus"], said.words["totalAmount"]) == ("success", "99.00")
    assert gateway.heard == [
        {
            "reference1": "A1",
            "paymentStatus": "success",
            "paymentReferenceId": made.words["paymentReferenceId"],
        }
    ]
    assert (await bank.makes_link()).code == "412"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"serviceCode": "QK99"}, "052"),
        ({"billerId": "099400012345699"}, "052"),
        ({"reference1": "a b"}, "331"),
        ({"reference1": "A" * 21}, "331"),
        ({"reference2": "a"}, "331"),
        ({"totalAmount": "99"}, "213"),
        ({"totalAmount": 99.0}, "213"),
        ({"totalAmount": "0.00"}, "213"),
        ({"currencyCode": "USD"}, "211"),
    ],
)
async def test_a_link_that_is_not_in_order_is_refused(bank: Bank, wrong: dict[str, Any], code: str) -> None:
    words = {
        "serviceCode": "QK01",
        "billerId": BILLER,
        "reference1": "A1",
        "totalAmount": "99.00",
        "currencyCode": "THB",
    }
    said = await bank.sends("/v1/billpayment/apptoapp/payment", words | wrong)
    assert said.status == 200 and said.words["responseCode"] == code


async def test_the_same_words_give_the_same_link_and_others_are_a_duplicate(bank: Bank) -> None:
    first, again = await bank.makes_link(), await bank.makes_link()
    assert first.words["paymentUrl"] == again.words["paymentUrl"]
    assert (await bank.makes_link(totalAmount="98.00")).code == "212"


async def test_a_link_ends_after_a_quarter_of_an_hour(bank: Bank) -> None:
    await bank.makes_link()
    await bank.time_passes(900)
    assert (await bank.asks_link()).words["paymentStatus"] == "expired"


async def test_what_is_not_signed_by_the_merchant_is_not_done(bank: Bank) -> None:
    words = {"serviceCode": "QK01", "billerId": BILLER, "reference1": "A1"}
    path = "/v1/billpayment/apptoapp/inquiry"
    await bank.makes_link()
    good = sign(words, 1_768_453_200)
    head, claims, signature = good.split(".")
    for odd in ("", "a.b.c", f"{head}.{claims}.{signature[:-8]}AAAAAAAA", f"{head}.{claims}"):
        assert (await bank.sends(path, words, signature=odd)).status == 403
    assert (await bank.sends(path, words, signed=words | {"reference1": "A2"})).status == 403
    assert (await bank.sends(path, words, later=-2 * 86400)).status == 403
    assert (await bank.sends(path, words, signature=good)).status == 200
    assert (await bank.sends(path, words, signature=good)).status == 403, "a jti counts once"


async def test_a_scanned_qr_is_told_of_until_the_shop_says_000(bank: Bank) -> None:
    async with listening(bank) as gateway:
        gateway.answer = '{"responseCode": "888"}'
        await bank.control("scan", {"qr": QR})
        await bank.time_passes(0)
        gateway.answer = "proper"
        await bank.time_passes(60)
        await bank.time_passes(86400)
    first, again = gateway.heard
    assert (first["retryFlag"], again["retryFlag"]) == ("N", "Y")
    assert first | {"retryFlag": "Y"} == again
    assert (first["amount"], first["reference1"], first["txnType"]) == (150.75, "INV20260115001", "C")


@pytest.mark.parametrize("final", ["212", "412", "331"])
async def test_a_final_code_ends_the_calls(bank: Bank, final: str) -> None:
    async with listening(bank) as gateway:
        gateway.answer = f'{{"responseCode": "{final}"}}'
        await bank.control("scan", {"qr": QR})
        await bank.time_passes(86400)
    assert len(gateway.heard) == 1


async def test_a_qr_may_be_paid_twice_and_taken_back(bank: Bank) -> None:
    async with listening(bank) as gateway:
        moved = (await bank.control("scan", {"qr": QR, "times": 2}))["movements"]
        await bank.control(f"movements/{moved[0]['transaction_id']}/reverse", {})
        await bank.time_passes(0)
    assert sorted(said["txnType"] for said in gateway.heard) == ["C", "C", "D"]
    assert (await bank.truth())["total_satang"] == 15075


async def test_the_two_way_service_tells_in_its_own_words(bank: Bank) -> None:
    await bank.control("options", {"notifies_qr_by": "two_way"})
    async with listening(bank) as gateway:
        await bank.control("scan", {"qr": QR})
        await bank.time_passes(0)
    (said,) = gateway.heard
    assert (said["payeeId"], said["channel"], len(said["transRef"])) == ("0994000123456", "I", 10)


async def test_a_payment_is_pulled_by_its_slip(bank: Bank) -> None:
    (moved,) = (await bank.control("scan", {"qr": QR}))["movements"]
    slip = moved["trans_ref"]
    said = await bank.pulls(slip)
    assert said.code == "000" and said.words["bankRef"] == moved["transaction_id"]
    assert (await bank.pulls("999")).code == "209"
    assert (await bank.pulls(slip, amount=150)).code == "211"
    assert (await bank.pulls(slip, reference1="OTHER")).code == "211"
    assert (await bank.pulls(slip, billerId="099400012345699")).code == "052"
    await bank.control("options", {"pulls_per_second": 1})
    assert 429 in [(await bank.pulls(slip)).status for _ in range(3)]


async def test_the_file_of_a_day_holds_its_bill_payments(bank: Bank) -> None:
    first, second = (await bank.control("scan", {"qr": QR, "times": 2}))["movements"]
    await bank.control(f"movements/{second['transaction_id']}/reverse", {})
    async with bank.session.get(f"{bank.url}/reconciliation/15012026.txt") as came:
        raw = await came.read()
    assert all(len(line) == 256 for line in raw.decode("cp874").split("\r\n")[:-1])
    report = statement.read(raw)
    assert [(line.reference, line.amount.minor) for line in report.lines] == [
        ("INV20260115001", 15075),
        ("INV20260115001", 15075),
        ("INV20260115001", -15075),
    ]
    assert first["transaction_id"] != second["transaction_id"]
    async with bank.session.get(f"{bank.url}/reconciliation/16012026.txt") as came:
        assert statement.read(await came.read()).lines == ()


async def test_a_stranger_s_qr_cannot_be_paid_here(bank: Bank) -> None:
    async with bank.session.post(f"{bank.url}/_sim/scan", json={"qr": "0002"}) as came:
        assert came.status == 409
