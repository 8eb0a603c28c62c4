"""Who owns a merchant is sealed: it opens for whoever checks merchants, and keys change under it."""

from __future__ import annotations

from typing import Any, Final

import asyncpg
import pytest

from quickkub.fraud.merchant_risk import MerchantRisk, judge, owners_of
from quickkub.storage.resealing import reseal, try_values
from quickkub.storage.vault import Vault
from tests.storage.privacy.counter import Counter
from tests.storage.privacy.dump import naming
from tests.support.shop import VAULT

OWNERS: Final = ({"name": "Kanarie Vogelsang", "id_number": "AB1234567", "share": "51 %"},)


async def judged(counter: Counter) -> None:
    risk = MerchantRisk("high", "sells gold", beneficial_owners=OWNERS)
    async with counter.office.db.transaction() as tx:
        assert await judge(tx, VAULT, counter.shop.merchant, risk, "usr_1") == 1
        assert await judge(tx, VAULT, counter.shop.merchant, risk, "usr_1") == 2


async def test_owners_are_read_back_and_stand_nowhere_in_clear(counter: Counter) -> None:
    assert await owners_of_shop(counter) == []
    await judged(counter)
    assert await owners_of_shop(counter) == [dict(one) for one in OWNERS]
    rows = await counter.shop.rows("SELECT * FROM merchant_risks")
    rows += await counter.shop.rows("SELECT * FROM audit_logs")
    held = {str(number): repr(dict(row)) for number, row in enumerate(rows)}
    assert naming(held, ["kanarie", "AB1234567"]) == {}


async def owners_of_shop(counter: Counter, vault: Vault = VAULT) -> list[dict[str, Any]]:
    async with counter.office.db.read() as reader:
        return await owners_of(reader, vault, counter.shop.merchant)


async def test_keys_change_under_a_judgement_and_nothing_else_of_it_does(counter: Counter) -> None:
    await judged(counter)
    both = Vault({1: bytes(range(32)), 2: bytes(range(1, 33))})
    done = await reseal(counter.office.db, both, batch=1)
    assert done.done["merchant_risks.beneficial_owners"] == 2 and not done.unreadable
    newer = Vault({2: bytes(range(1, 33))})
    assert await owners_of_shop(counter, newer) == [dict(one) for one in OWNERS]
    tried = await try_values(counter.office.db, newer, sample=None)
    assert not any(line.unreadable for line in tried if line.column.startswith("merchant_risks"))
    for forged in (
        "UPDATE merchant_risks SET beneficial_owners = beneficial_owners || 'x'",
        "UPDATE merchant_risks SET beneficial_owners = NULL",
        "UPDATE merchant_risks SET risk_class = 'general'",
        "DELETE FROM merchant_risks",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await counter.shop.rows(forged)
