"""Every provider there is, through the whole gateway, over HTTP only."""

from __future__ import annotations

import io

import pytest

from quickkub.connectors import registry
from quickkub.connectors.contract import Can
from quickkub.house.every_provider import PAYER, method_of, play


def test_every_provider_is_paid_and_refunds_and_all_books_agree_to_the_satang() -> None:
    out = io.StringIO()
    assert play(out=out) == 0, out.getvalue()
    told = out.getvalue()
    for name in registry.names():
        assert f"] {name} " in told, f"{name} takes no part:\n{told}"
    assert "Every provider, the API and the ledger agree to the satang." in told


@pytest.mark.parametrize("provider", registry.names())
def test_a_provider_is_shown_with_a_method_it_refunds_if_it_has_one_for_any_payer(provider: str) -> None:
    manifest = registry.providers()[provider]
    chosen = method_of(manifest)
    refunded = [
        offer for offer in manifest.methods if Can.REFUND in offer.can and set(offer.needs) <= PAYER.keys()
    ]
    assert not refunded or chosen == refunded[0]
