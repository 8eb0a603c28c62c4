"""Payment methods by the names payers know, and who offers them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.connectors import registry
from quickkub.connectors.contract import Can, Manifest, MethodOffer
from quickkub.kernel.ids import MerchantId
from quickkub.merchants.accounts import ProviderAccount
from quickkub.payments.methods import own_methods
from quickkub.payments.model import CurrencyUnsupported
from quickkub.payments.thai_methods import THAI_METHODS, ThaiMethod, method_named

OFFERED = {offer.method for manifest in registry.providers().values() for offer in manifest.methods}


@pytest.mark.parametrize("method", sorted(OFFERED))
def test_every_method_a_provider_offers_has_a_name(method: str) -> None:
    assert method_named(method) is not None


@pytest.mark.parametrize("method", THAI_METHODS)
def test_a_method_has_a_name_in_both_languages_and_a_kind_the_table_takes(method: ThaiMethod) -> None:
    assert re.search("[\u0e00-\u0e7f]", method.name_th)
    assert not re.search("[\u0e00-\u0e7f]", method.name_en)
    assert method.kind in ("qr", "bank_app", "wallet", "card")
    assert 1 <= method.amount_min <= method.amount_max
    assert len(method.id) <= 40


def test_no_two_methods_share_an_id_or_a_name() -> None:
    for what in ("id", "name_en", "name_th"):
        said = [getattr(method, what) for method in THAI_METHODS]
        assert len(set(said)) == len(said)


def manifest(name: str, *offers: MethodOffer) -> Manifest:
    return Manifest(name, name, name, offers, (), "", "", 0)


def account(provider: str, number: int = 1, **settings: str) -> ProviderAccount:
    return ProviderAccount(
        MerchantId("mer_" + "1" * 32), f"acc_{number:032x}", "test", provider, settings, {}
    )


CHEAP = manifest("cheap", MethodOffer("promptpay", 100, 1_000, fee_basis_points=80))
DEAR = manifest(
    "dear",
    MethodOffer("promptpay", 1, 50_000),
    MethodOffer(
        "card",
        2_000,
        90_000,
        can=frozenset({Can.AUTHORIZE, Can.CAPTURE_PART, Can.REFUND, Can.REFUND_PART}),
        needs=("card_token",),
        refund_days=180,
        actions=("redirect",),
    ),
    MethodOffer("linepay", 100, 90_000, can=frozenset({Can.REFUND}), flag="line"),
)
MANIFESTS = {"cheap": CHEAP, "dear": DEAR}
LISTED = [{"id": method.id, "providers": ["all"], "amount_min": 1} for method in THAI_METHODS]


def offered(*accounts: ProviderAccount, amount: int | None = None) -> dict[str, dict[str, Any]]:
    return {found["id"]: found for found in own_methods(LISTED, accounts, MANIFESTS, amount=amount)}


def test_a_merchant_sees_only_what_the_own_accounts_offer() -> None:
    assert offered().keys() == set()
    assert offered(account("cheap")).keys() == {"promptpay"}
    assert offered(account("dear")).keys() == {"promptpay", "card"}


def test_an_account_at_a_provider_that_is_gone_offers_nothing() -> None:
    assert offered(account("bankrupt")).keys() == set()


def test_a_method_that_has_to_be_switched_on_is_offered_once_it_is() -> None:
    assert "linepay" not in offered(account("dear", line="off"))
    assert "linepay" in offered(account("dear", line="on"))


def test_limits_and_providers_are_those_of_the_accounts_that_take_the_amount() -> None:
    both = account("cheap", 1), account("dear", 2)
    anything = offered(*both)["promptpay"]
    assert (anything["amount_min"], anything["amount_max"]) == (1, 50_000)
    assert anything["providers"] == ["cheap", "dear"]
    large = offered(*both, amount=1_001)["promptpay"]
    assert (large["amount_min"], large["amount_max"], large["providers"]) == (1, 50_000, ["dear"])


@given(st.integers(min_value=1, max_value=100_000))
def test_a_method_is_offered_exactly_when_an_account_takes_the_amount(amount: int) -> None:
    found = offered(account("cheap", 1), account("dear", 2), amount=amount)
    assert ("promptpay" in found) == (amount <= 50_000)
    assert ("card" in found) == (2_000 <= amount <= 90_000)
    for method in found.values():
        assert all(one["amount_min"] <= amount <= one["amount_max"] for one in method["accounts"])


def test_the_terms_say_how_money_is_taken_and_given_back() -> None:
    (card,) = offered(account("dear"))["card"]["accounts"]
    assert card["captures"] == ["automatic", "manual"]
    assert (card["captures_part"], card["refund"], card["refund_days"]) == (True, "full_or_part", 180)
    assert (card["needs"], card["actions"], card["fee_basis_points"]) == (["card_token"], ["redirect"], None)
    (wallet,) = offered(account("dear", line="on"))["linepay"]["accounts"]
    assert (wallet["captures"], wallet["captures_part"], wallet["refund"]) == (["automatic"], False, "full")
    (qr,) = offered(account("cheap"))["promptpay"]["accounts"]
    assert (qr["refund"], qr["fee_basis_points"]) == ("transfer", 80)


def test_another_currency_than_baht_is_refused_as_a_payment_would_be() -> None:
    with pytest.raises(CurrencyUnsupported):
        own_methods(LISTED, [account("dear")], MANIFESTS, amount=None, currency="USD")
