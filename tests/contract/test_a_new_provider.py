"""A provider is a folder: one command writes it, everything finds it, and no other file is touched.

Played on a copy of the checkout, with the commands a newcomer types.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from quickkub.connectors import newcomer, registry
from quickkub.connectors.newcomer import BadProviderName, ProviderExists
from tests.support.ports import free_port
from tools.tree import ROOT

FOLDER = "src/quickkub/connectors/providers/sawasdeepay"


@dataclass(frozen=True)
class Checkout:
    """A copy of this checkout that may be changed."""

    root: Path

    def runs(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run Python there, with the copy's own code."""
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(self.root / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def files(self) -> dict[str, str]:
        """Every file with its digest."""
        return {
            path.relative_to(self.root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in self.root.rglob("*")
            if path.is_file() and not {"__pycache__", ".pytest_cache"} & set(path.parts)
        }

    def changed_since(self, before: dict[str, str]) -> set[str]:
        now = self.files()
        return {path for path in before.keys() | now.keys() if before.get(path) != now.get(path)}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A copy in which `quickkub provider new sawasdeepay` has been typed."""
    copy = Checkout(tmp_path_factory.mktemp("checkout"))
    for part in ("src", "tests", "tools", "docs"):
        shutil.copytree(ROOT / part, copy.root / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy.root)
    before = copy.files()
    done = copy.runs("-m", "quickkub.main", "provider", "new", "sawasdeepay", "--title", "Sawasdee Pay")
    assert done.returncode == 0, done.stderr
    touched = copy.changed_since(before)
    assert touched
    assert all(path.startswith(FOLDER + "/") for path in touched), touched
    assert touched.isdisjoint(before)
    return copy


def test_the_command_lists_it_and_its_simulator_starts_with_credentials(checkout: Checkout) -> None:
    listed = json.loads(checkout.runs("-m", "quickkub.main", "provider", "list", "--json").stdout)
    assert listed["sawasdeepay"]["title"] == "Sawasdee Pay"
    ports = [manifest.simulator_port for manifest in registry.providers().values()]
    assert listed["sawasdeepay"]["simulator_port"] not in ports
    port = str(free_port())
    serving = subprocess.Popen(
        [sys.executable, "-m", "quickkub.main", "simulators", "up", "sawasdeepay", "--json", "--port", port],
        env={**os.environ, "PYTHONPATH": str(checkout.root / "src")},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert serving.stdout is not None
        said = json.loads(serving.stdout.readline())
        assert said["sawasdeepay"]["base_url"] == f"http://127.0.0.1:{port}/api"
        assert said["sawasdeepay"]["api_key"] == "demo-api-key"
        checked = checkout.runs(
            "-m",
            "quickkub.main",
            "provider",
            "check",
            "sawasdeepay",
            "--simulator",
            said["sawasdeepay"]["url"],
        )
        assert (checked.returncode, checked.stdout) == (
            0,
            "sawasdeepay: works: the account is called QUICKKUB DEMO\n",
        )
    finally:
        serving.terminate()
        serving.communicate(timeout=20)


def test_the_docs_pages_tell_of_it_and_mark_what_it_owes(checkout: Checkout) -> None:
    before = checkout.files()
    assert checkout.runs("-m", "tools.generate_docs").returncode == 0
    pages = {"docs/generated/providers.md", "docs/generated/provider-coverage.md"}
    assert pages <= checkout.changed_since(before)
    assert all(path.startswith("docs/generated/") for path in checkout.changed_since(before))
    providers, coverage = ((checkout.root / page).read_text(encoding="utf-8") for page in sorted(pages)[::-1])
    assert "## Sawasdee Pay" in providers and "`demo-callback-secret`" in providers
    assert "sawasdeepay" in coverage and "**owed**" in coverage


def test_the_contract_suite_plays_it_and_fails_only_on_what_it_owes(checkout: Checkout) -> None:
    suite = ("tests/contract/test_vectors.py", "tests/contract/test_every_simulator.py")
    played = checkout.runs("-m", "pytest", "-q", "-p", "no:cacheprovider", *suite, "-k", "sawasdeepay")
    assert played.returncode == 1, played.stdout[-3000:] + played.stderr[-1000:]
    failed = [line for line in played.stdout.splitlines() if line.startswith("FAILED")]
    assert len(failed) == 1, failed
    assert "test_every_provider_has_vectors_of_what_it_owes[sawasdeepay]" in failed[0]
    assert "owes vectors of: create: Unknown; inquire: Unknown; a payment: Paid" in played.stdout
    assert "callback: refused" not in played.stdout, "it has that one"


def test_the_seed_offers_its_method_through_it(checkout: Checkout) -> None:
    program = (
        "from quickkub.connectors import registry; from quickkub.payments.methods import offers_of;"
        "print([name for name, _ in offers_of('promptpay', registry.providers().values())])"
    )
    assert "'sawasdeepay'" in checkout.runs("-c", program).stdout


def test_what_is_written_keeps_the_house_rules(checkout: Checkout) -> None:
    checked = checkout.runs("-m", "ruff", "check", FOLDER)
    assert checked.returncode == 0, checked.stdout
    assert checkout.runs("-m", "ruff", "format", "--check", FOLDER).returncode == 0
    house_rules = checkout.runs("-m", "tools.check", "doors", "money", "transactions").stdout
    assert "sawasdeepay" not in house_rules and "house rules" in house_rules


def test_a_provider_that_is_there_is_not_written_again(tmp_path: Path) -> None:
    with pytest.raises(ProviderExists):
        newcomer.write("scb", into=tmp_path)
    newcomer.write("walletofthetest", into=tmp_path)
    before = sorted(path.read_bytes() for path in tmp_path.rglob("*.*"))
    with pytest.raises(ProviderExists):
        newcomer.write("walletofthetest", "Another", into=tmp_path)
    assert sorted(path.read_bytes() for path in tmp_path.rglob("*.*")) == before


@pytest.mark.parametrize("name", ["", "a", "Wallet", "../up", "wallet-pay", "w" * 21, "กระเป๋า"])
def test_a_name_that_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadProviderName):
        newcomer.write(name, into=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_begins_with_a_digit_gets_a_folder_python_can_import(tmp_path: Path) -> None:
    assert newcomer.write("9pay", into=tmp_path).folder == tmp_path / "p9pay"
