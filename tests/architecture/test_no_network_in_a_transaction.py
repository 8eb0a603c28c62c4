"""Invariant D4: no lock is held while a bank thinks."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.support.planted import plant_room
from tools import check_transactions
from tools.tree import ROOT


def broken(root: Path, text: str) -> list[str]:
    files = {"payments/flow.py": dedent(text)}
    return [str(finding) for finding in check_transactions.check(plant_room(root, files))]


def test_this_house_never_calls_out_under_a_transaction() -> None:
    assert check_transactions.check(ROOT) == []


@pytest.mark.parametrize(
    "call",
    [
        "await self.transport.run(exchange)",
        "outcome = await line.charge(order)",
        "await self._sender.send(delivery)",
        "async with session.post(url) as answer:\n            pass",
        "await asyncio.sleep(pause)",
    ],
)
def test_a_network_call_under_a_transaction_is_refused(call: str, tmp_path: Path) -> None:
    (found,) = broken(
        tmp_path,
        f"""\
async def pay(self, db, line, session):
    async with db.transaction() as tx:
        {call}
""",
    )
    assert found.startswith("src/quickkub/payments/flow.py:3: ")
    assert "inside a transaction" in found


def test_a_function_that_is_handed_the_transaction_is_under_it(tmp_path: Path) -> None:
    (found,) = broken(tmp_path, "async def book(tx, line):\n    await line.inquire()\n")
    assert "line.inquire is awaited inside a transaction" in found


def test_say_it_do_it_write_it_down_is_let_through(tmp_path: Path) -> None:
    text = """\
        async def pay(db, line, order):
            async with db.transaction() as tx:
                await store.lock(tx, order)
                await store.session_of(tx, order)
            outcome = await line.charge(order)
            async with db.transaction() as tx:
                await store.write(tx, outcome)
        """
    assert broken(tmp_path, text) == []


def test_an_exception_needs_its_reason_beside_the_line(tmp_path: Path) -> None:
    text = "async def book(tx, line):\n    await line.note()"
    assert broken(tmp_path, text + "  # not network: writes to a list in memory\n") == []
    assert broken(tmp_path, text + "  # not network:\n") != []
