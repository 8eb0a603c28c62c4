"""Each failing storm, race or machine, made small and named after what it found."""

from __future__ import annotations

import pytest

from quickkub.payments.instructions.model import NothingToVoid
from quickkub.storage import Database
from tests.support.chaos.madeup import RememberingBank, satang
from tests.support.shop import open_shop


async def test_a_hold_that_was_captured_whole_has_nothing_left_to_let_go(database: Database) -> None:
    shop = await open_shop(database, RememberingBank())
    payment = await shop.charges(satang(265), method="card", capture_later=True)
    await shop.captures(payment["id"], satang(265), final=False)
    with pytest.raises(NothingToVoid):
        await shop.voids(payment["id"])
