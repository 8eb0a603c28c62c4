"""Providers are found by looking; nothing lists them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from quickkub.connectors import providers as folder
from quickkub.connectors import registry
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
