"""Who may import whom, as pyproject.toml says it and import-linter proves it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.planted import plant_room
from tools.tree import ROOT


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """Run the house's own contracts over the package below `root`."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-logo", "--no-cache"]
    return subprocess.run(
        [*command, "--config", str(ROOT / "pyproject.toml")],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root / "src"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_this_house_keeps_its_floors() -> None:
    told = lint_imports(ROOT)
    assert told.returncode == 0, told.stdout + told.stderr


PLANTED = {
    "a room that imports from a higher floor": (
        {"kernel/money.py": "from quickkub.ledger import chart\n", "ledger/chart.py": ""},
        "quickkub.kernel is not allowed to import quickkub.ledger",
    ),
    "neighbours on one floor that know each other": (
        {"tax/vat.py": "import quickkub.fraud.rules\n", "fraud/rules.py": "", "kernel/money.py": ""},
        "quickkub.tax is not allowed to import quickkub.fraud",
    ),
    "a way round over a third room": (
        {
            "kernel/money.py": "",
            "payments/flow.py": "import quickkub.ledger.recipes",
            "ledger/recipes.py": "import quickkub.merchants.store",
            "merchants/store.py": "import quickkub.payments.flow",
        },
        "quickkub.merchants is not allowed to import quickkub.payments",
    ),
    "a room that has no floor": (
        {"kernel/money.py": "", "helpers/stuff.py": ""},
        "quickkub.helpers",
    ),
    "a provider that knows another provider": (
        {
            "kernel/money.py": "",
            "connectors/providers/scb/wire.py": "import quickkub.connectors.providers.kbank.wire\n",
            "connectors/providers/kbank/wire.py": "",
        },
        "quickkub.connectors.providers.scb is not allowed to import quickkub.connectors.providers.kbank",
    ),
    "a provider that reads the database": (
        {
            "kernel/money.py": "",
            "storage/outbox.py": "",
            "connectors/providers/scb/connector.py": "from quickkub.storage import outbox\n",
        },
        "quickkub.connectors.providers.scb is not allowed to import quickkub.storage",
    ),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_the_floors_refuse(planted: str, tmp_path: Path) -> None:
    files, message = PLANTED[planted]
    told = lint_imports(plant_room(tmp_path, files))
    assert told.returncode == 1, told.stdout + told.stderr
    assert message in " ".join(told.stdout.split())
    assert ("lower floor" in told.stdout) or ("quickkub.connectors" in told.stdout)


def test_a_provider_may_use_kernel_promptpay_and_the_connectors_room(tmp_path: Path) -> None:
    files = {
        "kernel/money.py": "",
        "promptpay/qr.py": "",
        "connectors/contract.py": "",
        "telemetry/logs.py": "",
        "connectors/transport.py": "import quickkub.telemetry.logs\n",
        "connectors/providers/scb/connector.py": """\
            from quickkub import promptpay
            from quickkub.connectors import contract, transport
            from quickkub.kernel.money import baht
            from quickkub.promptpay.qr import read
            """,
    }
    told = lint_imports(plant_room(tmp_path, files))
    assert told.returncode == 0, told.stdout + told.stderr
