"""Providers are found by looking; nothing lists them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from quickkub.connectors import providers as folder
from quickkub.connectors import registry
from quickkub.connectors.contract import ActionKind, Can, Instructable, Payer
from quickkub.connectors.particulars import sort
from quickkub.connectors.registry import UnknownProvider


def test_a_folder_that_is_put_there_is_a_provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "walletpay"
    home.mkdir()
    (home / "__init__.py").write_text('"""A made-up wallet."""\n')
    (home / "manifest.py").write_text(
        dedent(
            """
            from quickkub.connectors.contract import Manifest
            MANIFEST = Manifest("walletpay", "Wallet", "วอลเล็ท", (), (), "", "", 3199)
            """
        )
    )
    (home / "connector.py").write_text("CONNECTOR = 'the connector'\n")
    (home / "simulator.py").write_text("SIMULATOR = 'the simulator'\n")
    monkeypatch.setattr(folder, "__path__", [*folder.__path__, str(tmp_path)])
    assert {"scb", "walletpay"} <= set(registry.names())
    assert registry.providers()["walletpay"].simulator_port == 3199
    assert str(registry.connector("walletpay")) == "the connector"
    assert str(registry.simulator("walletpay")) == "the simulator"


def test_a_folder_without_a_manifest_is_no_provider_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "unwrittenpay").mkdir()
    (tmp_path / "unwrittenpay" / "__init__.py").write_text("")
    monkeypatch.setattr(folder, "__path__", [*folder.__path__, str(tmp_path)])
    assert "unwrittenpay" not in registry.names()


def test_a_name_from_outside_is_never_imported() -> None:
    for name in ("bitwallet", "", ".", "scb.connector", "os", "../scb"):
        with pytest.raises(UnknownProvider):
            registry.connector(name)


def test_every_manifest_says_what_the_form_the_docs_and_the_seed_need() -> None:
    for name, manifest in registry.providers().items():
        assert manifest.name == name and manifest.title_th and manifest.methods
        assert registry.connector(name).manifest is manifest
        assert 3110 <= manifest.simulator_port < 32768
        assert manifest.live_base_url.startswith("https://")
        names = [field.name for field in manifest.fields]
        assert len(set(names)) == len(names)
        assert all(field.label_en and field.label_th for field in manifest.fields)


def test_no_two_simulators_share_a_port() -> None:
    ports = [manifest.simulator_port for manifest in registry.providers().values()]
    assert len(set(ports)) == len(ports)


@pytest.mark.parametrize("name", registry.names())
def test_a_manifest_promises_only_what_there_are_words_for(name: str) -> None:
    manifest = registry.providers()[name]
    fields = {field.name: field for field in manifest.fields}
    methods = [offer.method for offer in manifest.methods]
    assert len(set(methods)) == len(methods)
    for offer in manifest.methods:
        assert 1 <= offer.amount_min < offer.amount_max
        assert set(offer.needs) <= set(Payer.__dataclass_fields__), offer.method
        assert set(offer.actions) <= {kind.value for kind in ActionKind}, offer.method
        assert not offer.flag or offer.flag in fields, offer.method
        assert Can.AUTHORIZE in offer.can or not offer.can & {Can.CAPTURE_PART, Can.CAPTURE_SEVERAL}
        assert Can.REFUND in offer.can or Can.REFUND_PART not in offer.can, offer.method
    can = frozenset[Can]().union(*(offer.can for offer in manifest.methods))
    assert not can or isinstance(registry.connector(name), Instructable)
    assert all(field.note for field in manifest.fields if field.assumed), "what is assumed has its reason"


@pytest.mark.parametrize("name", registry.names())
def test_the_simulator_s_account_is_an_account_and_the_docs_have_something_to_tell(name: str) -> None:
    manifest = registry.providers()[name]
    sort(manifest, manifest.simulator_account)
    assert set(manifest.simulator_other_paths) == set(manifest.other_base_urls)
    assert manifest.about_en and manifest.sources
