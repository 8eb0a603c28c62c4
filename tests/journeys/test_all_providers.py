"""Every provider there is, and every method it has, through the whole gateway, over HTTP only."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quickkub.connectors import registry
from quickkub.connectors.contract import Can
from quickkub.house.every_provider import PAYER, method_of, play, visit
from quickkub.house.outside import RunningGateway, call
from quickkub.house.stage import command

AT_A_TILL = {**PAYER, "code": "123456789012345678"}
"""A payer whose app shows a code, which the shop has scanned."""

METHODS = [
    (name, offer.method)
    for name, manifest in registry.providers().items()
    for offer in manifest.methods
    if AT_A_TILL.keys() >= set(offer.needs)
]


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
    usable = [offer for offer in manifest.methods if PAYER.keys() >= set(offer.needs)]
    refunded = [offer for offer in usable if Can.REFUND in offer.can]
    assert method_of(manifest) == (refunded or usable)[0]


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[RunningGateway, dict[str, Any]]]:
    """One gateway for all methods; its books are checked when all are done."""
    folder = Path(tempfile.mkdtemp(prefix="quickkub-methods-"))
    folder.chmod(0o711)
    gateway = RunningGateway(folder)
    shop = gateway.start()
    try:
        yield gateway, shop
        assert call(shop, "GET", "/v1/balance")["unapplied"] == [{"amount": 0, "currency": "THB"}]
        command(folder, "check", "invariants", "--quiet")
    finally:
        gateway.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize(("provider", "method"), METHODS)
def test_every_method_is_paid_and_given_back(
    running: tuple[RunningGateway, dict[str, Any]], provider: str, method: str
) -> None:
    gateway, shop = running
    offer = registry.providers()[provider].offer(method)
    assert offer is not None
    satang = 30_000 + 101 * METHODS.index((provider, method))
    played = visit(gateway, shop, provider, offer, satang=satang, payer=AT_A_TILL)
    assert (played.provider, played.method) == (provider, method)
    if Can.REFUND not in offer.can:
        assert played.transfer, "money that the provider does not give back is transferred"
