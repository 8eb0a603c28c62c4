"""How a merchant learns why a payment did not happen."""

from __future__ import annotations

from quickkub.connectors.contract import Declined, Failure
from tests.support.api import Client


async def test_a_failure_has_one_code_for_all_providers_two_languages_and_the_providers_own_code(
    shop: Client,
) -> None:
    shop.shop.bank.to_create.append(Declined(Failure.INSUFFICIENT_FUNDS, "E102", "not enough money"))
    payment = await shop.charges()
    expanded = (await shop.gets(f"/v1/payments/{payment['id']}?expand[]=attempts")).json
    told = {
        "code": "insufficient_funds",
        "message": "The payer does not have enough money.",
        "message_th": "ผู้ชำระมีเงินไม่พอ",
    }
    assert payment["failure"] == expanded["failure"] == told
    (attempt,) = expanded["attempts"]
    assert (attempt["failure"], attempt["provider_code"]) == (told, "E102")


async def test_an_attempt_that_goes_well_has_no_code_of_a_failure(shop: Client) -> None:
    payment = await shop.charges()
    (attempt,) = (await shop.gets(f"/v1/payments/{payment['id']}?expand[]=attempts")).json["attempts"]
    assert (attempt["failure"], attempt["provider_code"]) == (None, None)
